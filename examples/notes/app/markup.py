"""HTML that is safe by default: what is put into it is escaped unless it is HTML itself."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable

_LINK = re.compile(r"https?://[^\s<>\"']*[^\s<>\"'.,;:!?)\]]")
_EXCERPT = 160
_BULLET = re.compile(r"[-*] +")


class Html(str):
    """Text that is HTML already."""

    __slots__ = ()


def escape(value: object) -> Html:
    """Return a value as HTML: escaped, unless it is HTML."""
    return value if isinstance(value, Html) else Html(html.escape(str(value)))


def fill(template: str, **values: object) -> Html:
    """Return ``template`` with each ``{name}`` filled in, escaped."""
    return Html(template.format_map({name: escape(value) for name, value in values.items()}))


def join(parts: Iterable[str], between: str = "") -> Html:
    """Return parts, escaped where need be, one after the other."""
    return Html(escape(between).join(escape(part) for part in parts))


def prose(text: str) -> Html:
    """Return plain text as HTML: paragraphs, lists from lines that start with a dash, and links."""
    return join(_block(block) for block in re.split(r"\n\s*\n", text.strip()) if block.strip())


def excerpt(text: str) -> str:
    """Return how a text begins, in one line and without its dashes."""
    words = " ".join(_BULLET.sub("", line, count=1) for line in text[:_EXCERPT].split("\n")).split()
    return " ".join(words)


def _block(block: str) -> Html:
    lines = block.split("\n")
    bullets = [bool(_BULLET.match(line)) for line in lines]
    if all(bullets):
        items = (
            fill("<li>{text}</li>", text=_linked(_BULLET.sub("", line, count=1))) for line in lines
        )
        return fill("<ul>{items}</ul>", items=join(items))
    if any(bullets):  # a list right below its first line
        first = bullets.index(True)
        return (
            join([_block("\n".join(lines[:first])), _block("\n".join(lines[first:]))])
            if first
            else (_paragraph(lines))
        )
    return _paragraph(lines)


def _paragraph(lines: list[str]) -> Html:
    return fill("<p>{text}</p>", text=join(map(_linked, lines), Html("<br>")))


def _linked(text: str) -> Html:
    parts: list[str] = []
    end = 0
    for link in _LINK.finditer(text):
        parts.append(text[end : link.start()])
        parts.append(fill('<a href="{url}" rel="noreferrer">{url}</a>', url=link[0]))
        end = link.end()
    return join([*parts, text[end:]])
