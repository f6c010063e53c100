"""A release report as one HTML page with plots that compare the old version and the new.

It knows the data of `agent.report`. How a page is made and data kept harmless is `page`'s.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Final

from ..render.records.reviewing import rate_lines
from ..render.report_md import NOT_AGAIN
from ..render.results import version
from ..text import number, share
from . import page

if TYPE_CHECKING:
    from ...agent.report import FoundAgain, Loss, ReleaseReport, SourceRows
    from ...tools.inspect.measures.drift import Length, Shares

_STYLE: Final = """
:root{--old:#c9c2b2}
@media (prefers-color-scheme:dark){:root{--old:#6b6657}}
.figures{display:flex;flex-wrap:wrap;gap:.8rem;margin:1rem 0}
.figures div{background:var(--card);border:1px solid var(--line);border-radius:6px;padding:.5rem 1rem;flex:1 1 auto}
.figures b{display:block;font-size:1.5rem;line-height:1.25;white-space:nowrap;font-variant-numeric:tabular-nums}
.legend i{display:inline-block;width:.9rem;height:.7rem;border-radius:2px;margin:0 .3rem 0 1rem;background:var(--bar)}
.legend i.old,.bars i.old{background:var(--old)}
.bars i.old,.bars i.new{height:.5rem;margin:.05rem 0}
.bars+table{margin-top:1rem}
.wide{grid-template-columns:repeat(auto-fill,minmax(26rem,1fr));align-items:start}
.bars hr{grid-column:1/-1;width:100%;border:0;border-top:1px solid var(--line);margin:.35rem 0}
svg .was{fill:none;stroke:var(--faint);stroke-width:1.5;stroke-dasharray:3 2}
.bad{color:var(--error);font-weight:650}
.good{color:var(--bar);font-weight:650}
"""

MOST: Final = 12
"""Values of one distribution that are drawn; the rest is counted."""

WIDTH: Final = 460
HEIGHT: Final = 150


def render_html(report: ReleaseReport) -> str:
    """The whole page."""
    sections = (
        _figures, _funnel, _expectations, _sources, _lengths, _languages, _labels, _findings, _rates, _reproduce,
    )  # fmt: skip
    body = "\n".join(part for section in sections if (part := "".join(section(report))))
    return page.whole(f"{report.dataset}: {report.old.address} to {version(report.new.vid)}", body, style=_STYLE)


def _figures(report: ReleaseReport) -> Iterator[str]:
    yield f"<h1>{page.data(report.dataset)}</h1>"
    yield (
        f"<p>{page.data(report.old.address)} <code>{page.escaped(version(report.old.vid))}</code> → "
        f"<code>{page.escaped(version(report.new.vid))}</code></p>"
    )
    withdrawn = sum(report.withdrawn.values())
    figures = (
        (f"{report.old.rows:,} → {report.new.rows:,}", "rows"),
        (f"{report.carried:,}", "carried"),
        (f"{report.added:,}", "new"),
        (f"{withdrawn:,}", "withdrawn"),
        (f"{report.edited:,}", "edited"),
        (f"{report.ruled.get('keep', 0):,} / {report.ruled.get('drop', 0):,}", "ruled keep / drop"),
    )
    told = "".join(f'<div><b>{big}</b><span class="faint">{small}</span></div>' for big, small in figures)
    yield f'<div class="figures">{told}</div>'
    if report.withdrawn:
        reasons = ", ".join(f"{reason} {count:,}" for reason, count in report.withdrawn.items())
        yield f'<p class="faint">withdrawn: {page.data(reasons)}</p>'
    yield '<p class="faint legend"><i class="old"></i>before<i></i>now</p>'


def _funnel(report: ReleaseReport) -> Iterator[str]:
    losses = [one for one in report.losses if one.reason]
    idle = ", ".join(dict.fromkeys(one.tool for one in report.losses if not one.reason))
    sides = [side for one in losses for side in (one.old, one.new) if side]
    most = max((taken / max(given, 1) for taken, given in sides), default=0)
    body = [_pairs((_loss_label(one), _loss(one.old, most), _loss(one.new, most)) for one in losses)]
    body += [f'<p class="faint">dropped nothing: {page.data(idle)}</p>'] if idle else []
    read = f"{number(report.new.read)} read, {number(sum(report.new.rejected.values()))} rejected, {number(report.new.rows)} stay"
    if report.losses:
        yield from page.section("Dropped, as a share of the rows each step was given", body, read)


def _loss_label(one: Loss) -> str:
    return f'{page.data(one.tool)} <span class="faint">{page.data(one.reason)}</span>'


def _loss(side: tuple[int, int] | None, most: float) -> tuple[float, str]:
    """Length of a bar, the longest being 1, and what stands behind it."""
    if side is None:
        return 0.0, "no such step"
    return (side[0] / max(side[1], 1)) / (most or 1), f"{side[0]:,}  {share(*side)}"


def _pairs(rows: Iterable[tuple[str, tuple[float, str], tuple[float, str]]]) -> str:
    """Two bars under each other for each label: before and now. Labels are HTML already."""
    told = []
    for label, *both in rows:
        bars = "".join(
            f'<i class="{kind}" style="width:{max(min(length, 1.0), 0.0) * 100:.2f}%"></i>'
            for kind, (length, _) in zip(("old", "new"), both, strict=True)
        )
        behind = "<br>".join(page.escaped(text) for _, text in both)
        told.append(f'<span>{label}</span><span>{bars}</span><span class="n">{behind}</span>')
    return f'<div class="bars">{"<hr>".join(told)}</div>'


def _expectations(report: ReleaseReport) -> Iterator[str]:
    if (recipe := report.recipe) is None:
        return
    states = {"matches": "the lock is of this version", "differs": "the lock is of another version or recipe",
              "missing": "there is no lock"}  # fmt: skip
    lines = [
        (
            f"<code>{page.escaped(one.expectation)}</code>",
            page.data(one.told) if one.told else f"{number(one.found)}{' %' if one.expectation.percent else ''}",
            '<span class="good">met</span>' if one.met else '<span class="bad">NOT MET</span>',
        )
        for one in sorted(recipe.verdicts, key=lambda one: one.met)
    ]
    body = page.table(("expectation", "found", ""), lines, (1,)) if lines else ["<p>It expects nothing.</p>"]
    yield from page.section("Expectations", body, f"{recipe.name}: {states[recipe.lock]}")


def _sources(report: ReleaseReport) -> Iterator[str]:
    lines = [
        (page.data(one.name), _licence(one), _class(one), *(f"{count:,}" for count in one.rows))
        for one in report.sources
    ]
    old, new = max(report.old.rows, 1), max(report.new.rows, 1)
    bars = _pairs(
        (page.data(one.name), (was / old, share(was, old)), (now / new, share(now, new)))
        for one in sorted(report.sources, key=lambda one: -one.rows[1])[:MOST]
        for was, now in (one.rows,)
    )
    table = page.table(("source", "licence", "class", "rows before", "rows now"), lines, (3, 4))
    yield from page.section("Sources and their licences", [bars, *table], "share of the rows")


def _licence(one: SourceRows) -> str:
    changed = f' <span class="bad">was {page.data(one.license_before)}</span>'
    return page.data(one.license) + (changed if one.license != one.license_before else "")


def _class(one: SourceRows) -> str:
    return one.kind if one.kind == "commercial" else f'<span class="bad">{one.kind}</span>'


def _lengths(report: ReleaseReport) -> Iterator[str]:
    found = [one for one in report.lengths if sum(map(sum, one.counts))]
    if found:
        cards = ['<div class="grid wide">', *map(_length_card, found), "</div>"]
        yield from page.section("Lengths", cards, "characters; share of each version's rows; dashed: before")


def _length_card(one: Length) -> str:
    rows = [
        (name, *(f"{side.get(name, 0):,}" for side in one.quantiles)) for name in one.quantiles[1] or one.quantiles[0]
    ]
    told = " · ".join(f"{name} {was} → {now}" for name, was, now in rows)
    return (
        f'<div class="card"><h3>{page.data(one.of)}</h3>{overlaid_svg(one)}'
        f'<p class="faint">{page.escaped(told)}</p></div>'
    )


def overlaid_svg(one: Length) -> str:
    """Both histograms over the same bins: the new one as bars, the old one as a dashed outline over them."""
    edges = one.edges
    if len(edges) < 2 or edges[0] == edges[-1]:
        return f"<p>always {page.escaped(number(edges[0]))}</p>" if edges else ""
    shares = [[count / max(sum(side), 1) for count in side] for side in one.counts]
    most, floor, step = max(map(max, shares)) or 1.0, HEIGHT - 16, WIDTH / (len(edges) - 1)
    old, new = ([floor - (floor - 14) * value / most for value in side] for side in shares)
    bars = "".join(
        f'<rect x="{i * step + 0.5:.2f}" y="{top:.2f}" width="{max(step - 1, 0.5):.2f}" height="{floor - top:.2f}">'
        f"<title>{page.escaped(_tooltip(one, i, shares))}</title></rect>"
        for i, top in enumerate(new)
    )
    outline = f"M0 {floor}" + "".join(f"V{top:.2f}H{(i + 1) * step:.2f}" for i, top in enumerate(old)) + f"V{floor}"
    half = len(new) // 2
    ticks = ((0.0, "start", edges[0]), (half * step, "middle", edges[half]), (WIDTH, "end", edges[-1]))
    texts = "".join(
        f'<text x="{x:.0f}" y="{HEIGHT - 3}" text-anchor="{anchor}">{page.escaped(number(edge))}</text>'
        for x, anchor, edge in ticks
    )
    texts += f'<text x="2" y="9">{most:.1%}</text>'
    if not one.even:
        texts += f'<text x="{WIDTH}" y="9" text-anchor="end">log scale</text>'
    label = page.escaped(f"Histograms of {one.of}, before and now")
    view = f'viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{label}"'
    return f'<svg {view}>{bars}<path class="was" d="{outline}"/>{texts}</svg>'


def _tooltip(one: Length, place: int, shares: Sequence[Sequence[float]]) -> str:
    old, new = (side[place] for side in shares)
    return f"{number(one.edges[place])} to {number(one.edges[place + 1])}: {old:.1%} before, {new:.1%} now"


def _languages(report: ReleaseReport) -> Iterator[str]:
    if found := report.languages:
        old, new = found.examined
        aside = f"{old:,} and {new:,} rows sampled; und: too short or unsure"
        yield from page.section("Languages", [_shares(found)], aside)


def _labels(report: ReleaseReport) -> Iterator[str]:
    if report.labels:
        cards = (
            f'<div class="card"><h3>{page.data(one.of)} <span class="faint">moved {one.distance:.1%}</span></h3>'
            f"{_shares(one)}</div>"
            for one in sorted(report.labels, key=lambda one: -one.distance)
        )
        aside = "columns of few values; moved: total variation distance"
        yield from page.section("Labels", ['<div class="grid wide">', *cards, "</div>"], aside)


def _shares(one: Shares) -> str:
    """The values that moved most as pairs of bars, the most frequent first; the rest is counted."""
    ranked = sorted(one.values[:MOST], key=lambda value: (-max(value[1:]), value[0]))
    sizes = [max(size, 1) for size in one.examined]
    most = max((count / size for value in ranked for count, size in zip(value[1:], sizes, strict=True)), default=0) or 1
    lines = (
        (page.data(name), (old / sizes[0] / most, share(old, sizes[0])), (new / sizes[1] / most, share(new, sizes[1])))
        for name, old, new in ranked
    )
    hidden = len(one.values) - MOST
    rest = f'<p class="faint">and {hidden:,} values that moved less</p>' if hidden > 0 else ""
    return _pairs(lines) + rest


def _findings(report: ReleaseReport) -> Iterator[str]:
    fresh = [one for one in report.findings if one.is_new]
    other = [one for one in report.findings if not one.is_new and one.counts[0] != one.counts[1]]
    blocks = [_finding(one) for one in fresh]
    lines = [(f"<code>{page.escaped(one.code)}</code>", *(f"{count or 0:,}" for count in one.counts)) for one in other]
    body = [*(blocks or ["<p>None.</p>"])]
    if lines:
        table = "".join(page.table(("finding", "before", "now"), lines, (1, 2)))
        body.append(f"<details open><summary>other counts that changed</summary>{table}</details>")
    tools = ", ".join(dict.fromkeys(one.tool for one in report.findings))
    yield from page.section("New findings", body, tools)


def _finding(one: FoundAgain) -> str:
    severity = page.escaped(one.severity)
    return (
        f'<div class="finding {severity}"><div><div class="severity">{severity}</div>'
        f'<span class="count">{one.counts[1] or 0:,}</span> <span class="faint">{_was(one.counts[0])}</span></div>'
        f"<div><p>{page.data(one.message)}</p><p><code>{page.escaped(one.code)}</code></p></div></div>\n"
    )


def _was(count: int | None) -> str:
    return "not looked for before" if count is None else "none before"


def _rates(report: ReleaseReport) -> Iterator[str]:
    head = ("", "reason", "looked at", "wrong", "share", "95 % interval")
    lines = [[page.data(cell) for cell in line] for line in rate_lines(report.rates)]
    body = page.table(head, lines, (2, 3, 4, 5)) if lines else ["<p>Nobody has looked at a sample.</p>"]
    yield from page.section("What people said of sampled rows", body)


def _reproduce(report: ReleaseReport) -> Iterator[str]:
    if not report.reproduce:
        yield from page.section("Reproduce", [f"<p>{page.escaped(NOT_AGAIN)}</p>"])
        return
    commands = "".join(f"<pre>{page.escaped(one)}</pre>" for one in report.reproduce)
    gives = f"<p>gives version <code>{page.escaped(report.new.vid)}</code></p>"
    yield from page.section("Reproduce", [commands, gives])
