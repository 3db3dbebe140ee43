"""Bodies of events: text or HTML, and the block with which Teams joins people. Pure.

Who writes the body of an online meeting without that block takes the link away from everybody
(learn.microsoft.com/graph/outlook-calendar-online-meetings, "preserve the meeting blob").
"""

import html
import re

_TAG = re.compile(
    r"<(?:!doctype|html|head|body|div|p|br|span|table|ul|ol|a|b|i|h[1-6])\b", re.IGNORECASE
)
# Teams draws a line of underscores before and after its block.
_LINE = re.compile(r"_{40,}")
_LINKS = ("meetup-join", "teams.microsoft.com", "teams.live.com")


def dump_body(text: str) -> dict[str, str]:
    """A description as Graph takes it: HTML when it looks like HTML."""
    kind = "html" if _TAG.search(text) else "text"
    return {"contentType": kind, "content": text}


def teams_block(content: str) -> str:
    """The block in an HTML body; "" when there is none."""
    lines = list(_LINE.finditer(content))
    if not lines:
        return ""
    start = content.rfind("<div", 0, lines[0].start())
    end = content.find("</div>", lines[-1].end())
    if start < 0 or end < 0:
        return ""
    block = content[start : end + len("</div>")]
    return block if any(link in block for link in _LINKS) else ""


def without_block(content: str) -> str:
    """A body that another meeting can take over."""
    block = teams_block(content)
    return content.replace(block, "") if block else content


def with_block(text: str, current: str, join_url: str) -> dict[str, str]:
    """A new description for an online meeting, with the block that its body has now."""
    block = teams_block(current)
    if not block or teams_block(text) or (join_url and join_url in text):
        return dump_body(text)
    if dump_body(text)["contentType"] == "text":
        text = html.escape(text, quote=False).replace("\n", "<br>\n")
    at = text.lower().rfind("</body>")
    content = f"{text}\n{block}" if at < 0 else f"{text[:at]}{block}{text[at:]}"
    return {"contentType": "html", "content": content}
