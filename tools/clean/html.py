"""`clean.html`: texts that are HTML become plain text.

It knows which texts are HTML and what is told of them. How text is taken out of HTML is trafilatura's business (extra
`html`); nothing else takes its place.
"""

from __future__ import annotations

import importlib
import logging
import re
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Annotated, Any, Final, Literal

import numpy as np
import pyarrow as pa

from ..change import Change, Edit, Fact, Finding, Outcome, edits_told
from ..context import Context
from ..errors import Misuse
from ..store.rows import Rows
from ..text.editable import Editable, editable
from ..text.signals.prose import fenced, prose
from ..tool import Arg, TextField, tool

Content = Literal["most", "main"]
Form = Literal["html", "html_among_text"]
ToText = Callable[[str], str | None]

_TAGS: Final = (
    "a|abbr|article|aside|b|blockquote|body|br|button|center|cite|code|dd|del|details|div|dl|dt|em|figcaption|figure|font"
    "|footer|form|h[1-6]|head|header|hr|html|i|iframe|img|input|ins|label|li|link|main|meta|nav|ol|option|p|pre|script"
    "|section|select|small|span|strike|strong|style|sub|summary|sup|table|tbody|td|textarea|tfoot|th|thead|title|tr|u|ul"
    "|video"
)
_TAG: Final = re.compile(rf"</?(?:{_TAGS})(?:\s[^<>]*)?/?>", re.IGNORECASE)
_CLOSES: Final = re.compile(rf"{_TAG.pattern}\Z|<!--.*-->\Z", re.IGNORECASE | re.DOTALL)
_OPENS: Final = re.compile(rf"(?:<!doctype\s+html|<!--|<\?xml[^<>]*>\s*<|<(?:{_TAGS})(?:\s[^<>]*)?/?>)", re.IGNORECASE)
_PAGE: Final = re.compile(r"<(?:html|body)[\s>]", re.IGNORECASE)
_SHOWN: Final = 5
_LEFT: Final = ("html_without_text", "html_among_text")
_SIGNALS: Final = ("html_texts", "mixed_texts", *_LEFT)


@tool("clean.html", version=2, local=True, packages=("trafilatura",))
def html(
    ctx: Context,
    data: Rows,
    *,
    field: TextField = "default",
    content: Annotated[
        Content, Arg("most: all text that can be had; main: only a page's main content, no menus or footers")
    ] = "most",
    mixed: Annotated[
        bool, Arg("also read texts that hold tags among other text; their own line breaks become spaces")
    ] = False,
) -> Change:
    """Turn texts that are HTML into plain text, by trafilatura.

    A text is HTML when it begins with a tag, a comment or a doctype and ends with a tag, so that nothing stands around
    it. A text that speaks about HTML, or shows it in fenced code, is not. An answer that is bare HTML code cannot be
    told from a page: name a `field` that holds none. Needs the extra `html` (trafilatura); without it nothing is done.

    Reasons:
      html             a text that is HTML was replaced by its text: scripts, styles and tags are gone, entities read,
                       blocks stand on lines of their own, a table's cells between bars
      html_among_text  (with `mixed`) a text that holds tags among other text, read as the body of a page; one with
                       fenced code is left alone
    One edit a row and reason; the score is the number of texts. The evidence holds `spans`, for up to 5 texts the path,
    the start and the end of the whole text as it was, and all texts' characters `before` and `after`.

    With `most` trafilatura favours recall and keeps a page's comments, with `main` it favours precision, as FineWeb
    did.
    A text of which it leaves nothing stays as it is: finding `html_without_text`. Texts with tags that are left alone
    for want of `mixed` are counted by the finding `html_among_text`. Entities are read once: what was written &lt;b&gt;
    becomes <b>, which a second run may take for HTML.

    Signals for every row: `html_texts` and `mixed_texts`, and of them those left alone: `html_without_text`,
    `html_among_text`. Facts: `clean.html.REASON`, texts replaced,
    `.characters_before` and `.characters_after`, and `.trafilatura`, the version.

    Raises Misuse when trafilatura cannot be imported.
    """
    to_text, version = _extractor(content)
    facts: list[Fact] = []
    findings: list[Finding] = []

    def outcomes() -> Iterator[Outcome]:
        for batch in data.batches():
            made: list[Edit] = []
            signals: list[Counter[str]] = []
            for position, record in enumerate(batch.records(), batch.start):
                counts: Counter[str] = Counter()
                new: dict[Form, list[tuple[Editable, str]]] = {"html": [], "html_among_text": []}
                for one in editable(record, data.mapping, field):
                    form = form_of(one.text)
                    if form is None:
                        continue
                    counts["html_texts" if form == "html" else "mixed_texts"] += 1
                    if form == "html_among_text" and not (mixed and not fenced(one.text)):
                        counts["html_among_text"] += 1
                    elif not (text := to_text(one.text)):
                        counts["html_without_text"] += 1
                    elif text != one.text:
                        new[form].append((one, text))
                made += [_edit(position, form, told) for form, told in new.items() if told]
                signals.append(counts)
            yield Outcome(edits=made, signals=_signals(signals))
            ctx.progress(batch.start + len(batch), len(data))

    def told(drawn: Iterable[Outcome], rows: int) -> Iterator[Outcome]:
        totals: Counter[str] = Counter()
        left: dict[str, list[int]] = {code: [] for code in _LEFT}
        start = 0
        for outcome in drawn:
            for reason, score, evidence in edits_told(outcome):
                totals[f"replaced.{reason}"] += int(score)
                totals.update({side: evidence[side] for side in ("before", "after")})
            if outcome.signals is not None:
                for code in _LEFT:
                    counts = outcome.signals[code].to_numpy()
                    totals[code] += int(counts.sum())
                    left[code] += (start + np.flatnonzero(counts)[:_SHOWN]).tolist()
                start += len(outcome.signals)
            yield outcome
        facts.extend(_facts(totals, f"clean.html --content {content}, field {field}", rows, version))
        findings.extend(_findings(totals, left))

    return Change(outcomes(), findings=findings, facts=facts, told=told)


def form_of(text: str) -> Form | None:
    """Whether a text is HTML, holds tags among other text (code aside), or neither."""
    if "<" not in text:
        return None
    told = text.strip()
    if _OPENS.match(told) and _CLOSES.match(told, told.rfind("<")) and _TAG.search(told):
        return "html"
    return "html_among_text" if _TAG.search(prose(text)) else None


def _extractor(content: Content) -> tuple[ToText, str]:
    """What takes the text out of HTML, and trafilatura's version. Misuse says how to install it."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            library = importlib.import_module("trafilatura")
    except ImportError as error:
        raise Misuse(
            f"clean.html needs the package 'trafilatura', which cannot be imported ({error}).",
            next_step="pip install 'tilth[html]'. Nothing was changed; no simpler parser is used in its place.",
        ) from None
    logging.getLogger("trafilatura").setLevel(logging.CRITICAL)  # it tells of each page it finds nothing in

    def to_text(text: str) -> str | None:
        page = text if _PAGE.search(text) else f"<html><body>{text}</body></html>"
        try:
            found = library.extract(
                page,
                favor_recall=content == "most",
                favor_precision=content == "main",
                include_comments=content == "most",
                include_tables=True,
                deduplicate=False,
            )
        except (ValueError, RecursionError):  # lxml refuses some bytes and depths
            return None
        return str(found) if found else None

    return to_text, str(library.__version__)


def _edit(position: int, reason: Form, told: Sequence[tuple[Editable, str]]) -> Edit:
    evidence: dict[str, Any] = {
        "spans": [[list(one.paths[0]), 0, len(one.text)] for one, _ in told[:_SHOWN]],
        "before": sum(len(one.text) for one, _ in told),
        "after": sum(len(text) for _, text in told),
    }
    if len(told) > _SHOWN:
        evidence["spans_left_off"] = len(told) - _SHOWN
    changes = tuple((path, text) for one, text in told for path in one.paths)
    return Edit(position, changes, reason, float(len(told)), evidence)


def _signals(rows: Sequence[Counter[str]]) -> pa.Table:
    return pa.table({name: pa.array([counts[name] for counts in rows], pa.int64()) for name in _SIGNALS})


def _facts(totals: Counter[str], method: str, rows: int, version: str) -> Iterator[Fact]:
    for reason in ("html", "html_among_text"):
        yield Fact(f"clean.html.{reason}", totals[f"replaced.{reason}"], "texts", method, rows)
    for side in ("before", "after"):
        yield Fact(f"clean.html.characters_{side}", totals[side], "characters", method, rows)
    yield Fact("clean.html.trafilatura", version, "version", method, rows)


def _findings(totals: Counter[str], left: dict[str, list[int]]) -> Iterator[Finding]:
    if count := totals["html_without_text"]:
        message = f"trafilatura found no text in {count:,} texts that hold HTML; they stay as they are."
        yield Finding(
            "html_without_text", "warning", message, count, unit="texts", rows=tuple(left["html_without_text"][:_SHOWN])
        )
    if count := totals["html_among_text"]:
        message = f"{count:,} texts hold tags among other text and were left alone; --mixed reads those without code."
        yield Finding(
            "html_among_text", "note", message, count, unit="texts", rows=tuple(left["html_among_text"][:_SHOWN])
        )
