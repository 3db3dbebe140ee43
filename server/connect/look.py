"""How pages are made: templates that escape, and the headers that every page has."""

import base64
import hashlib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aiohttp import web

if TYPE_CHECKING:
    from jinja2 import Environment

_FOLDER = Path(__file__).parent / "templates"
_HSTS = "max-age=31536000"


@cache
def _style() -> str:
    return (_FOLDER / "style.css").read_text(encoding="utf-8")


@cache
def icon() -> bytes:
    """The picture of the pages, SVG."""
    return (_FOLDER / "icon.svg").read_bytes()


@cache
def _environment() -> "Environment":
    # Imported here: 27 ms and 2 MB, which servers pay when somebody opens a page.
    from jinja2 import Environment, FileSystemLoader, StrictUndefined  # noqa: PLC0415
    from markupsafe import Markup  # noqa: PLC0415

    made = Environment(
        loader=FileSystemLoader(_FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    made.globals["style"] = Markup(_style())  # noqa: S704 - a file of ours
    return made


def render(template: str, values: Mapping[str, Any]) -> str:
    """The HTML of `template`; every value is escaped."""
    return _environment().get_template(f"{template}.html").render(values)


@cache
def icon_inside() -> str:
    """The picture as an address that holds it, for pages whose server ends with them."""
    return f"data:image/svg+xml;base64,{base64.b64encode(icon()).decode()}"


@cache
def _policy(*, forms: bool, alone: bool) -> str:
    pictures = "data:" if alone else "'self'"
    posts = "'self'" if forms else "'none'"
    digest = base64.b64encode(hashlib.sha256(_style().encode()).digest()).decode()
    return "; ".join(
        (
            "default-src 'none'",
            f"style-src 'sha256-{digest}'",
            f"img-src {pictures}",
            f"form-action {posts}",
            "base-uri 'none'",
            "frame-ancestors 'none'",
        )
    )


def headers(*, secure: bool, forms: bool = False, alone: bool = False) -> dict[str, str]:
    """Of every page.

    Args:
        secure: it is read by https.
        forms: it has a form.
        alone: its server has nothing else; see `icon_inside`.
    """
    found = {
        "cache-control": "no-store",
        "content-security-policy": _policy(forms=forms, alone=alone),
        "cross-origin-resource-policy": "same-origin",
        "referrer-policy": "no-referrer",
        "x-content-type-options": "nosniff",
        "x-frame-options": "DENY",
        "x-robots-tag": "noindex",
    }
    if secure:
        found["strict-transport-security"] = _HSTS
    return found


def page(
    template: str,
    values: Mapping[str, Any],
    *,
    status: int = 200,
    secure: bool,
    forms: bool = False,
    alone: bool = False,
) -> web.Response:
    """A page; see `headers`."""
    return web.Response(
        text=render(template, values),
        content_type="text/html",
        charset="utf-8",
        status=status,
        headers=headers(secure=secure, forms=forms, alone=alone),
    )


def onward(url: str, *, secure: bool) -> web.Response:
    """To another page (303: by GET, whatever this one was asked by)."""
    return web.Response(status=303, headers={**headers(secure=secure), "location": url})
