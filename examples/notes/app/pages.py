"""The pages as HTML."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import quote

from .attachments import LARGEST_BYTES, Attachment
from .markup import Html, excerpt, fill, join, prose
from .notes import BODY_LENGTH, TITLE_LENGTH, Draft, Note
from .place import Place


@dataclass(frozen=True)
class View:
    """What every page shows: who serves it, and the list of notes."""

    place: Place
    notes: Sequence[Note]
    words: str = ""
    current: int | None = None


Render = Callable[[View], Html]

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
<link rel="icon" href="/static/logo.svg" type="image/svg+xml">
<link rel="stylesheet" href="/static/notes.css">
<script src="/static/notes.js" defer></script>
</head>
<body>
<a class="skip" href="#main">Skip to the note</a>
<header class="bar">
  <a class="brand" href="/"><img src="/static/logo.svg" alt="" width="34" height="34">Notes</a>
  <form class="search" role="search" action="/">
    <label class="hidden" for="q">Search notes</label>
    <input id="q" name="q" type="search" placeholder="Search notes" value="{words}" autocomplete="off">
  </form>
  <a class="button" href="/notes/new">New note</a>
</header>
<div class="desk">
  <nav class="list" aria-label="Notes">{list}</nav>
  <main id="main" tabindex="-1">{content}</main>
</div>
<footer class="way">{way}</footer>
</body>
</html>
"""


def overview(view: View) -> Html:
    """Return the page without a note: what a search found, or an invitation to write."""
    if not view.words:
        link = Html('<a href="/notes/new">Write the first note</a>.')
        return _page(view, "Notes", _blank("Nothing here yet", link))
    count = len(view.notes)
    many = {0: "No note holds", 1: "One note holds"}.get(count, f"{count} notes hold")
    link = Html('<a href="/">Show all notes</a>')
    return _page(view, f"{view.words} · Notes", _blank(f"{many} “{view.words}”", link))


def note(view: View, shown: Note, attached: Sequence[Attachment]) -> Html:
    """Return a note's page."""
    content = fill(
        """<article>
  <div class="actions">
    <p class="when">Changed {when}</p>
    <a class="quiet" href="/notes/{id}/edit">Edit</a>
    <form method="post" action="/notes/{id}/delete" data-confirm="Delete this note and its attachments?">
      <button class="quiet danger">Delete</button>
    </form>
  </div>
  <h1>{title}</h1>
  <div class="prose">{body}</div>
  {attachments}
</article>""",
        id=shown.id,
        title=shown.title,
        when=_when(shown),
        body=prose(shown.body),
        attachments=_attachments(shown, attached),
    )
    return _page(view, f"{shown.title} · Notes", content)


def form(view: View, edited: Note | None, draft: Draft, problem: str = "") -> Html:
    """Return the page to write a note on."""
    content = fill(
        """<form class="editor" method="post" action="{action}">
  <h1>{heading}</h1>
  {problem}
  <label for="title">Title</label>
  <input id="title" name="title" required maxlength="{title_length}" value="{title}" autofocus>
  <label for="body">Text</label>
  <textarea id="body" name="body" rows="14" maxlength="{body_length}"
    aria-describedby="hint">{body}</textarea>
  <p id="hint" class="hint">Plain text. An empty line starts a paragraph, a dash a list.</p>
  <div class="actions">
    <button class="button">Save</button>
    <a class="quiet" href="{back}">Cancel</a>
  </div>
</form>""",
        action=f"/notes/{edited.id}" if edited else "/notes",
        back=f"/notes/{edited.id}" if edited else "/",
        heading="Edit the note" if edited else "A new note",
        problem=fill('<p class="problem" role="alert">{text}</p>', text=problem) if problem else "",
        title=draft.title,
        body=draft.body,
        title_length=TITLE_LENGTH,
        body_length=BODY_LENGTH,
    )
    return _page(view, "Edit · Notes" if edited else "A new note · Notes", content)


def failure(place: Place, status: int, message: str) -> Html:
    """Return the page that says what went wrong; it needs neither the database nor the list."""
    words = message[:1].upper() + message[1:]
    content = _blank(words, Html('<a href="/">Back to the notes</a>'), str(status))
    return _page(View(place, ()), f"{status} · Notes", content)


def _blank(heading: str, link: Html, status: str = "") -> Html:
    return fill(
        '<section class="blank"><p class="status">{status}</p><h1>{heading}</h1><p>{link}</p></section>',
        status=status,
        heading=heading,
        link=link,
    )


def _page(view: View, title: str, content: Html) -> Html:
    return fill(
        _PAGE,
        title=title,
        words=view.words,
        list=_list(view),
        content=content,
        way=_way(view.place),
    )


def _list(view: View) -> Html:
    items = (
        fill(
            '<li><a href="/notes/{id}{query}"{current}><strong>{title}</strong>'
            "<span>{excerpt}</span>{when}</a></li>",
            id=one.id,
            query=f"?q={quote(view.words)}" if view.words else "",
            current=Html(' aria-current="page"') if one.id == view.current else "",
            title=one.title,
            excerpt=excerpt(one.body),
            when=_when(one),
        )
        for one in view.notes
    )
    return fill("<ul>{items}</ul>", items=join(items))


def _when(shown: Note) -> Html:
    moment = shown.updated_at.astimezone(UTC)
    now = datetime.now(UTC)
    if moment.date() == now.date():
        text = f"{moment:%H:%M}"
    else:
        text = f"{moment.day} {moment:%b}" + ("" if moment.year == now.year else f" {moment.year}")
    return fill(
        '<time datetime="{iso}">{text}</time>', iso=moment.isoformat(timespec="seconds"), text=text
    )


def _attachments(shown: Note, attached: Sequence[Attachment]) -> Html:
    items = join(_attachment(shown.id, one) for one in attached)
    return fill(
        """<section class="attachments" data-note="{id}" data-largest="{largest}" aria-labelledby="files">
  <h2 id="files">Attachments</h2>
  <ul>{items}</ul>
  <label class="drop"><input type="file" multiple><span><b>Attach files</b> or drop them here</span></label>
  <p class="hint" role="status"></p>
  <noscript><p class="hint">Attaching files needs JavaScript.</p></noscript>
</section>""",
        id=shown.id,
        largest=LARGEST_BYTES,
        items=items,
    )


def _attachment(note_id: int, one: Attachment) -> Html:
    picture = fill('<img src="{url}" alt="" loading="lazy">', url=_url(note_id, one))
    return fill(
        '<li><a href="{url}"{save}>{picture}<span class="name">{name}</span>'
        '<span class="size">{size}</span></a>'
        '<button class="quiet danger" data-remove="{url}" aria-label="Delete {name}">Delete</button></li>',
        url=_url(note_id, one),
        save="" if one.is_image else Html(" download"),
        picture=picture if one.is_image else Html('<span class="sheet" aria-hidden="true"></span>'),
        name=one.name,
        size=_size(one.size),
    )


def _url(note_id: int, one: Attachment) -> str:
    return f"/api/notes/{note_id}/attachments/{quote(one.name)}"


def _size(size: int) -> str:
    if size < 1024:
        return f"{size} bytes"
    kib = size / 1024
    return f"{kib:.0f} KiB" if kib < 1024 else f"{kib / 1024:.1f} MiB"


def _way(place: Place) -> Html:
    """Return the way a request came: under the public road, to one of the tasks."""
    stops = ("your VPC", "endpoint", "NLB", "ALB")
    return fill(
        """<div class="road" aria-hidden="true"></div>
<ol class="stops" aria-label="The way of this page">{stops}<li class="task" data-zone="{letter}">
  <b title="{task}">{short}</b><span>{zone}</span></li></ol>
<div class="ask"><button class="quiet" type="button" data-ask>Who answers?</button>
  <output class="answers" aria-live="polite"></output></div>""",
        stops=join(fill("<li><span>{stop}</span></li>", stop=stop) for stop in stops),
        letter=place.zone[-1:],
        task=place.task,
        short=place.task[:8],
        zone=place.zone,
    )
