"""WebDAV's XML, read as what a stranger sent (RFC 4918, 4791, 6578, 6638).

A multistatus becomes one `Answer` per response, with the properties whose own status is 200; a
property under another status is not there, whatever its element holds. Nothing of what is read
here gets into an error. Requests are in `requests`.
"""

import asyncio
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from lxml import etree

from providers.caldav.paths import canonical
from providers.core.errors import Kind, ProviderError

Element: TypeAlias = etree._Element  # noqa: SLF001 - lxml has no public name for it

DAV = "{DAV:}"
CALDAV = "{urn:ietf:params:xml:ns:caldav}"
CALENDARSERVER = "{http://calendarserver.org/ns/}"
APPLE = "{http://apple.com/ns/ical/}"

MAX_MARKS = 1_000_000
OFF_LOOP = 512 * 1024
_RESPONSE, _HREF, _STATUS = DAV + "response", DAV + "href", DAV + "status"
_PROPSTAT, _PROP, _ERROR = DAV + "propstat", DAV + "prop", DAV + "error"
_FINE = "HTTP/1.1 200 OK"
_TAG = re.compile(rb"<[A-Za-z_]")


@dataclass(slots=True)
class Answer:
    """One response of a multistatus.

    Attributes:
        href: as the server writes it.
        path: canonical path.
        status: of the resource as a whole; 200 when only its properties have one.
        properties: by Clark name, those that the server gave.
        refused: status by Clark name of the properties that it did not give.
        condition: local name of the precondition that failed, "" when the server names none.
    """

    href: str
    path: str
    status: int = 200
    properties: dict[str, Element] = field(default_factory=dict)
    refused: dict[str, int] = field(default_factory=dict)
    condition: str = ""

    def text(self, name: str) -> str:
        """Text of a property, "" when it is not there."""
        found = self.properties.get(name)
        return text_of(found) if found is not None else ""

    def hrefs(self, name: str) -> list[str]:
        """The hrefs in a property, in order."""
        found = self.properties.get(name)
        return [] if found is None else [text_of(e) for e in found.iter(_HREF)]


@dataclass(slots=True)
class Multistatus:
    """A 207.

    Attributes:
        sync_token: of a sync-collection report (RFC 6578).
    """

    answers: list[Answer]
    sync_token: str = ""


def broken() -> ProviderError:
    """The error of an answer that is not what the protocol says."""
    return ProviderError(
        Kind.PROVIDER_FAULT, "the CalDAV server answered with something that is not its protocol"
    )


def parse(content: bytes) -> Element:
    """The root element. No DTD, no entities, nothing fetched; depth and size are bounded.

    Raises:
        ProviderError: PROVIDER_FAULT.
    """
    first = _TAG.search(content)
    doctype = content.find(b"<!DOCTYPE")
    if first is None or 0 <= doctype < first.start() or content.count(b"<") > MAX_MARKS:
        raise broken()
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        root = etree.fromstring(content, parser)
    except (etree.XMLSyntaxError, ValueError):
        raise broken() from None
    if root.getroottree().docinfo.internalDTD is not None:
        raise broken()
    return root


async def read(content: bytes) -> Multistatus:
    """`multistatus`, in a thread when there is much of it: the parser lets go of the lock."""
    if len(content) < OFF_LOOP:
        return multistatus(content)
    return await asyncio.to_thread(multistatus, content)


def multistatus(content: bytes) -> Multistatus:
    """A 207's body.

    Raises:
        ProviderError: PROVIDER_FAULT.
    """
    root = parse(content)
    if root.tag != DAV + "multistatus":
        raise broken()
    answers = [answer for element in root.iterchildren(_RESPONSE) for answer in _answers(element)]
    return Multistatus(answers, _child_text(root, DAV + "sync-token"))


def _answers(response: Element) -> Iterator[Answer]:
    """One answer, or one for each href: a response with a status may name several."""
    hrefs: list[str] = []
    found = Answer("", "")
    for element in response.iterchildren("*"):
        tag = element.tag
        if tag == _PROPSTAT:
            _read_propstat(element, found)
        elif tag == _HREF:
            hrefs.append(text_of(element))
        elif tag == _STATUS:
            found.status = status_of(text_of(element))
        elif tag == _ERROR:
            found.condition = _first_name(element)
    if len(hrefs) == 1:
        found.href, found.path = hrefs[0], canonical(hrefs[0])
        yield found
        return
    for href in hrefs:
        yield replace(found, href=href, path=canonical(href))


def _read_propstat(propstat: Element, into: Answer) -> None:
    status = 200
    prop: Element | None = None
    condition = ""
    for element in propstat.iterchildren("*"):
        tag = element.tag
        if tag == _PROP:
            prop = element
        elif tag == _STATUS:
            status = status_of(text_of(element))
        elif tag == _ERROR:
            condition = _first_name(element)
    if prop is None:
        return
    for element in prop.iterchildren("*"):
        name = str(element.tag)
        if 200 <= status < 300:
            into.properties[name] = element
        else:
            into.refused[name] = status
            into.condition = into.condition or condition


def status_of(line: str) -> int:
    """The code in a status line; 200 for an empty one, as some servers write (P76)."""
    if line == _FINE:
        return 200
    words = line.split()
    if not words:
        return 200
    code = words[1] if len(words) > 1 else words[0]
    return int(code) if code.isascii() and code.isdigit() and len(code) == 3 else 500


def text_of(element: Element) -> str:
    """The text directly in an element, stripped."""
    return (element.text or "").strip()


def _child_text(element: Element, name: str) -> str:
    found = element.find(name)
    return "" if found is None else text_of(found)


def _first_name(element: Element) -> str:
    for child in element.iterchildren("*"):
        return local_name(child)
    return ""


def local_name(element: Element) -> str:
    """Name of an element without its namespace."""
    return str(element.tag).rpartition("}")[2]


def condition_of(content: bytes) -> str:
    """Local name of the precondition in an error's body (RFC 4918 section 16), "" without one."""
    if len(content) > OFF_LOOP or b"error" not in content:
        return ""
    try:
        root = parse(content)
    except ProviderError:
        return ""
    return _first_name(root) if root.tag == _ERROR else ""
