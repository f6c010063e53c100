"""What a contamination scan found, as one HTML page: shares with their intervals, and rows beside the items they hold.

It knows the details of `contaminate.scan` and pairs with their texts. How a page is made and data kept harmless is
`page`'s.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from ..render.results import version
from . import page

if TYPE_CHECKING:
    from ...tools.contaminate._finding.scanned import Excerpt, Shown

MOST: Final = 10
"""Pairs shown of each benchmark."""

_STYLE: Final = """
:root{--mark:#f6e3a1}
@media (prefers-color-scheme:dark){:root{--mark:#5d4d12}}
mark{background:var(--mark);color:inherit;border-radius:2px;padding:.05em 0}
.pair{background:var(--card);border:1px solid var(--line);border-left:4px solid;border-radius:6px;
padding:.5rem .9rem .8rem;margin:.6rem 0}
.pair header{display:flex;flex-wrap:wrap;gap:.1rem .9rem;align-items:baseline}
.pair header b{text-transform:uppercase;font-size:.75rem;letter-spacing:.04em}
.sides{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,20rem),1fr));gap:.4rem 1.4rem;margin-top:.3rem}
.sides h4{margin:0;font-size:.8rem;font-weight:600;color:var(--faint)}
.sides p{white-space:pre-wrap;overflow-wrap:anywhere;font-size:.92rem}
.pair.error{border-left-color:var(--error)}
.pair.warning{border-left-color:var(--warning)}
.pair.note{border-left-color:var(--note)}
.error b{color:var(--error)}
.warning b{color:var(--warning)}
.note b{color:var(--note)}
.range{position:relative;height:.7rem;background:var(--soft);border-radius:2px;min-width:9rem}
.range i{position:absolute;top:0;height:100%;background:var(--bar);opacity:.45;border-radius:2px}
.range u{position:absolute;top:-.15rem;width:3px;height:1rem;background:var(--ink)}
@media (max-width:44rem){section{overflow-x:auto}.range{display:none}h2{flex-wrap:wrap}table{font-size:.85rem}}
.wrong{color:var(--error);font-weight:650}
"""

_SEVERITY: Final = {
    "exact": "error", "near_verbatim": "error", "rephrased": "error", "partial": "warning", "answer_only": "warning",
    "undecided": "warning", "boilerplate": "note", "not_checkable": "note", "no_evidence": "note",
}  # fmt: skip


_NOTHING: Final = ("no_evidence", "not_checkable")


def render_html(dataset: str, vid: str, details: Mapping[str, Any], shown: Sequence[Shown]) -> str:
    """The whole page."""
    body = "\n".join("".join(part) for part in _parts(dataset, vid, details, shown))
    return page.whole(f"{dataset}: contamination", body, style=_STYLE)


def _parts(dataset: str, vid: str, details: Mapping[str, Any], shown: Sequence[Shown]) -> Iterator[Iterator[str]]:
    yield _head(dataset, vid, details)
    yield _shares(details["benchmarks"])
    for told in details["benchmarks"]:
        yield _benchmark(told, [one for one in shown if one.benchmark == told["benchmark"]])


def _head(dataset: str, vid: str, details: Mapping[str, Any]) -> Iterator[str]:
    yield f"<h1>{page.data(dataset)}</h1>"
    yield (
        f"<p>{details['rows']:,} rows of <code>{page.escaped(version(vid))}</code>, field "
        f"{page.data(details['field'])}, looked through for items of benchmarks. What was not found was not found by "
        "these methods; it may be there.</p>"
    )


def _shares(benchmarks: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    most = max((told["contaminated"]["high"] for told in benchmarks), default=0) or 1
    lines = [
        (
            page.data(told["benchmark"]),
            f"{told['items']:,}",
            _count(told["contaminated"]["count"]),
            f"{told['contaminated']['share']:.2%}",
            _range(told["contaminated"], most),
            f"{told['contaminated']['low']:.2%} to {told['contaminated']['high']:.2%}",
            f"{told['not_checkable']:,}",
        )
        for told in benchmarks
    ]
    head = ("benchmark", "items", "contaminated", "share", "", "95 % interval", "not checkable")
    aside = "exact, near-verbatim and rephrased; Wilson intervals"
    yield from page.section("Items found in training rows", page.table(head, lines, (1, 2, 3, 5, 6)), aside)


def _count(count: int) -> str:
    return f'<span class="wrong">{count:,}</span>' if count else "0"


def _range(share: Mapping[str, float], most: float) -> str:
    low, middle, high = (100 * share[key] / most for key in ("low", "share", "high"))
    return (
        f'<div class="range"><i style="left:{low:.2f}%;width:{max(high - low, 0.5):.2f}%"></i>'
        f'<u style="left:{middle:.2f}%"></u></div>'
    )


def _benchmark(told: Mapping[str, Any], shown: Sequence[Shown]) -> Iterator[str]:
    body = [*_verdicts(told), *_sources(told["sources"])]
    body += [f'<p class="faint">not checked: {page.escaped(said)}</p>' for said in told["not_checked"]]
    body += [_pair(one) for one in shown]
    rows = sum(told["rows"].values())
    if len(shown) < rows:
        body.append(f'<p class="faint">the strongest {len(shown):,} of {rows:,} rows with evidence</p>')
    aside = " · ".join(part for part in (told["revision"], told["license"], version(told["version"])) if part)
    yield from page.section(page.data(told["benchmark"]), body, aside)


def _verdicts(told: Mapping[str, Any]) -> Iterator[str]:
    """Bars of what was found; items of which nothing was found are a line, or they would dwarf the rest."""
    found = {verdict: count for verdict, count in told["verdicts"].items() if verdict not in _NOTHING}
    most = max(found.values(), default=1)
    yield page.bars(
        (
            page.escaped(verdict),
            count / most,
            f"{count:,} items, {told['rows'].get(verdict, 0):,} rows",
            _SEVERITY[verdict],
        )
        for verdict, count in found.items()
    )
    rest = ", ".join(f"{told['verdicts'].get(verdict, 0):,} {verdict}" for verdict in _NOTHING)
    yield f"<p>{rest}</p>"
    shared = ", ".join(
        f"{n} words: {one['items_hit']:,} items in {one['docs_hit']:,} rows" for n, one in told["ngram"].items()
    )
    yield f'<p class="faint">runs that are shared, whatever they mean ({page.escaped(told["normaliser"])}): {shared}</p>'


def _sources(sources: Mapping[str, Any]) -> Iterator[str]:
    held = {name: one for name, one in sources.items() if one["contaminated"]["count"]}
    if held and len(sources) > 1:
        lines = [
            (page.data(name), f"{one['rows']:,}", _count(one["contaminated"]["count"]),
             f"{one['contaminated']['low']:.2%} to {one['contaminated']['high']:.2%}")
            for name, one in held.items()
        ]  # fmt: skip
        yield from page.table(("source", "rows", "rows that hold an item", "95 % interval"), lines, (1, 2, 3))


def _pair(one: Shown) -> str:
    scores = ", ".join(
        f"{name.replace('_', ' ')} {_score(value)}" for name, value in one.scores.items() if value is not None
    )
    return (
        f'<article class="pair {_SEVERITY[one.verdict]}"><header><b>{page.escaped(one.verdict)}</b>'
        f'<span>{page.data(one.reason)}</span><span class="faint">{page.escaped(scores)}</span></header>'
        f'<div class="sides"><div><h4>row <code>{page.escaped(one.row_id[:12])}</code> of {page.data(one.source)}</h4>'
        f"<p>{_marked(one.row_text)}</p></div><div><h4>{page.escaped(one.part)} of {page.data(one.item)}</h4>"
        f"<p>{_marked(one.item_text)}</p></div></div></article>\n"
    )


def _score(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.2f}" if isinstance(value, float) else str(value)


def _marked(one: Excerpt) -> str:
    """The excerpt with what counts marked, and dots where it was cut."""
    told, at = ["… " if one.cut[0] else ""], 0
    for start, end in one.marks:
        told += [page.escaped(one.text[at:start]), f"<mark>{page.escaped(one.text[start:end])}</mark>"]
        at = end
    return f"<bdi>{''.join([*told, page.escaped(one.text[at:]), ' …' if one.cut[1] else ''])}</bdi>"
