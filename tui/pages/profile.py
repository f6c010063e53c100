"""A profile as one HTML page that needs nothing else: no script, no network, light and dark.

It knows the JSON that `inspect.profile` reports (`tools/inspect/_details.py`). Everything that comes from
data is made harmless and escaped where it is placed, and the page's own policy forbids scripts and loading.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any, Final

from ...agent.plural import counted
from ..render.profile import command, number, percent
from . import page

Profile = Mapping[str, Any]

_TITLES: Final = {"error": "errors", "warning": "warnings", "note": "notes"}


def render_html(profile: Profile, *, dataset: str = "X") -> str:
    """The whole page. `profile`: the details of an `inspect.profile` report; `dataset`: its name."""
    sections = (
        _findings, _unchecked, _lengths, _languages, _duplicates, _system_prompts, _phrases, _pairs, _labels,
        _columns, _relations,
    )  # fmt: skip
    body = "\n".join(part for section in sections if (part := "".join(section(profile, dataset))))
    return page.whole(f"{dataset}: profile", f"{_head(profile, dataset)}\n{body}")


def histogram_svg(histogram: Mapping[str, Any], label: str, *, width: int = 280, height: int = 84) -> str:
    """A histogram as inline SVG: bars of equal width, each with its range and count as a tooltip."""
    counts, edges = histogram["counts"], histogram["edges"]
    if len(counts) < 2:
        return f"<p>always {page.escaped(_edge(edges[0]))}</p>" if counts else ""
    most, floor = max(counts), height - 14
    step = width / len(counts)
    bars = []
    for place, count in enumerate(counts):
        tall = (floor - 2) * count / most if most else 0
        tall = max(tall, 1.0) if count else 0.0
        told = f"{number(edges[place])} to {number(edges[place + 1])}: {number(count)}"
        bars.append(
            f'<rect x="{place * step + 0.5:.2f}" y="{floor - tall:.2f}" width="{max(step - 1, 0.5):.2f}" '
            f'height="{tall:.2f}"><title>{page.escaped(told)}</title></rect>'
        )
    half = len(counts) // 2
    ticks = [(0.0, "start", edges[0]), (half * step, "middle", edges[half]), (width, "end", edges[-1])]
    texts = "".join(
        f'<text x="{x:.0f}" y="{height - 3}" text-anchor="{anchor}">{page.escaped(_edge(edge))}</text>'
        for x, anchor, edge in ticks
    )
    if not histogram["even"]:
        texts += f'<text x="{width}" y="9" text-anchor="end">log scale</text>'
    view = f'viewBox="0 0 {width} {height}" role="img" aria-label="{page.escaped(label)}"'
    return f"<svg {view}>{''.join(bars)}{texts}</svg>"


def _quantiles(quantiles: Mapping[str, Any], keys: Sequence[str]) -> str:
    names = {"p0": "least", "p50": "median", "p100": "most"}
    return " · ".join(f"{names.get(key, key)} {number(quantiles[key])}" for key in keys)


def _edge(value: float) -> str:
    return number(int(value)) if float(value).is_integer() and abs(value) < 1e15 else number(float(value))


# Sections -------------------------------------------------------------------------------------------------


def _head(profile: Profile, dataset: str) -> str:
    parts = [counted(profile["rows"], profile["unit"]), f"{profile['format']} format"]
    parts += [f"{number(one['total'])} characters of {one['of']}" for one in profile["lengths"][:1]]
    lines = [f"<h1>{page.data(dataset)}</h1>", f"<p>{page.escaped(' · '.join(parts))}</p>"]
    lines.append(f'<p class="faint">reads: {page.escaped(profile["reads"])}</p>')
    for name in ("sources", "splits"):
        if len(profile[name]) > (name == "sources"):
            told = " · ".join(f"{label} {number(count)}" for label, count in profile[name])
            lines.append(f'<p class="faint">{name}: {page.escaped(told)}</p>')
    return "\n".join(lines)


def _findings(profile: Profile, dataset: str) -> Iterator[str]:
    found = profile["findings"]
    counts = {severity: len(list(some)) for severity, some in groupby(found, key=lambda one: one["severity"])}
    aside = ", ".join(counted(count, _TITLES[severity]) for severity, count in counts.items())
    yield from page.section("What to look at first", _finding_list(profile, dataset), aside or "nothing wrong found")


def _finding_list(profile: Profile, dataset: str) -> Iterator[str]:
    for one in profile["findings"]:
        severity = page.escaped(one["severity"])
        unit = one["unit"] if one["share"] is None else f"{one['unit']}, {percent(one['share'])}"
        yield (
            f'<div class="finding {severity}"><div><div class="severity">{severity}</div>'
            f'<span class="count">{number(one["count"])}</span> <span class="faint">{page.escaped(unit)}</span></div>'
            f"<div><p>{page.data(one['message'])}</p>"
        )
        if one["fix"]:
            yield f"<p><code>{page.escaped(command(one['fix'], dataset))}</code></p>"
        yield from _evidence(one)
        yield "</div></div>\n"
    if profile["clean"]:
        told = ", ".join(profile["clean"])
        yield f'<p class="faint">Looked for in every row and not found: {page.escaped(told)}.</p>'
    shares = [one for one in profile["findings"] if one["share"]]
    if len(shares) > 2:
        bars = ((page.escaped(one["code"]), one["share"], percent(one["share"]), one["severity"]) for one in shares)
        yield f"<details open><summary>share of the rows</summary>{page.bars(bars)}</details>"


def _evidence(one: Profile) -> Iterator[str]:
    if not one["examples"] and not one["sql"]:
        return
    yield "<details><summary>examples and SQL</summary>"
    for example in one["examples"]:
        yield f'<p class="faint">{page.data(example["at"])} · row {page.escaped(example["row"][:12])}</p>'
        yield f"<pre>{page.data(example['text'])}</pre>"
    if one["sql"]:
        yield f"<pre>{page.escaped(one['sql'])}</pre>"
    yield "</details>"


def _unchecked(profile: Profile, dataset: str) -> Iterator[str]:
    told = []
    for one in profile["not_checked"]:
        looks = f" <code>{page.escaped(command(one['fix'], dataset))}</code>" if one["fix"] else ""
        told.append(f"<li>{page.data(one['what'])}: {page.data(one['why'])}.{looks}</li>")
    yield from page.section("Not checked", ["<ul>", *told, "</ul>"])


def _lengths(profile: Profile, dataset: str) -> Iterator[str]:
    found = [one for one in profile["lengths"] if one["count"]]
    if found:
        cards = ['<div class="grid">', *(_length_card(one) for one in found), "</div>"]
        yield from page.section("Lengths", cards, "characters; turns in turns")
    if held := [one for one in profile["holds"] if one[1]]:
        shares = [(what, count / profile["rows"], count) for what, count in held]
        bars = page.bars((what, share, f"{percent(share)}  {number(count)}", "") for what, share, count in shares)
        yield from page.section("Rows with", [bars])


def _length_card(one: Profile) -> str:
    quantiles = _quantiles(one["quantiles"], ("p5", "p50", "p95", "p100"))
    return (
        f'<div class="card"><h3>{page.data(one["of"])} <span class="faint">{number(one["count"])}</span></h3>'
        f"{histogram_svg(one['histogram'], 'Histogram of ' + one['of'])}"
        f'<p class="faint">{page.escaped(quantiles)} {page.escaped(one["unit"])}</p></div>'
    )


def _languages(profile: Profile, dataset: str) -> Iterator[str]:
    found = profile["languages"]
    if found and found["examined"]:
        shares = [(code, count / found["examined"], count) for code, count in found["shares"]]
        sampled = found["examined"] < found["rows"]
        of = f"{number(found['examined'])} sampled of {counted(found['rows'], 'rows')}" if sampled else "every row"
        lines = ((page.escaped(code), share, f"{percent(share)}  {number(count)}", "") for code, share, count in shares)
        yield from page.section("Languages", [page.bars(lines)], f"{of}; und: too short or unsure")


def _duplicates(profile: Profile, dataset: str) -> Iterator[str]:
    found, rows = profile["duplicates"], max(profile["rows"], 1)
    lines = [
        (
            "exact copies",
            found["exact"] / rows,
            f"{number(found['exact'])}  {percent(found['exact'] / rows)}",
            "",
        )
    ]
    if found["near"] is not None:
        near = f"near copies besides (Jaccard {found['threshold']:g})"
        lines.append((near, found["near"] / rows, f"{number(found['near'])}  {percent(found['near'] / rows)}", ""))
    body = [page.bars(lines)]
    if profile["overlaps"]:
        head = ("shared by", "text", "rows", "of", "rows", "of")
        cells = (
            (
                page.escaped(f"{one['by']}s"),
                page.escaped(one["of"]),
                number(one["rows"]),
                page.data(one["left"]),
                number(one["right_rows"]),
                page.data(one["right"]),
            )
            for one in profile["overlaps"]
        )
        body += page.table(head, cells, (2, 4))
    yield from page.section("Duplicates", body, f"compared: {found['compared']}")


def _system_prompts(profile: Profile, dataset: str) -> Iterator[str]:
    if prompts := profile["system_prompts"]:
        distinct = ("" if prompts["exact"] else "about ") + number(prompts["distinct"])
        body = page.bars(
            (page.data(text), count / max(prompts["rows"], 1), number(count), "") for text, count in prompts["top"]
        )
        yield from page.section("System prompts", [body], f"{counted(prompts['rows'], 'rows')}, {distinct} different")


def _phrases(profile: Profile, dataset: str) -> Iterator[str]:
    phrases = profile["phrases"]
    if phrases and (phrases["openings"] or phrases["closings"]):
        body = page.bars(
            (f"{verb} with {page.data(text)}", count / phrases["answers"], number(count), "")
            for name, verb in (("openings", "open"), ("closings", "close"))
            for text, count in phrases[name]
        )
        yield from page.section("Phrases answers share", [body], f"of {counted(phrases['answers'], 'answers')}")


def _pairs(profile: Profile, dataset: str) -> Iterator[str]:
    found = profile["preference"]
    if not found:
        return
    total = max(found["pairs"], 1)
    names = {"chosen": "chosen is longer", "rejected": "rejected is longer", "same": "about as long"}
    sides = ((names[side], count / total, percent(count / total), "") for side, count in found["longer"].items())
    cards = [_length_card({"of": "chosen − rejected", "unit": "characters", **found["difference"]})]
    for name, margin in found["margins"].items():
        chart = histogram_svg(margin["histogram"], "Histogram of score margins")
        told = f"{number(margin['ties'])} ties of {number(margin['count'])}"
        cards.append(f'<div class="card"><h3>{page.data(name)} − rejected</h3>{chart}<p class="faint">{told}</p></div>')
    body = [page.bars(sides), '<div class="grid">', *cards, "</div>"]
    yield from page.section("Chosen and rejected", body, counted(found["pairs"], "pairs"))


def _labels(profile: Profile, dataset: str) -> Iterator[str]:
    if labels := profile["labels"]:
        total = max(sum(count for _, count in labels), 1)
        yield from page.section(
            "Labels", [page.bars((page.data(name), count / total, number(count), "") for name, count in labels)]
        )


def _columns(profile: Profile, dataset: str) -> Iterator[str]:
    if profile["columns"]:
        cards = ['<div class="grid">', *(_column_card(one, profile) for one in profile["columns"]), "</div>"]
        aside = f"{number(len(profile['columns']))} in {counted(profile['rows'], 'rows')}"
        yield from page.section("Columns", cards, aside)


def _column_card(one: Profile, profile: Profile) -> str:
    rows = max(profile["rows"], 1)
    facts = [one["kind"]]
    if one["distinct"] is not None:
        facts.append(f"{'' if one['exact'] else '≈'}{number(one['distinct'])} distinct")
    if one["missing"]:
        facts.append(f"{percent(one['missing'] / rows)} missing")
    if one["examined"] < profile["rows"]:
        facts.append(f"values of {number(one['examined'])} sampled rows")
    body = ""
    if one["kind"] in ("category", "true/false", "code", "date") and one["top"]:
        body = page.bars((page.data(value), count / rows, number(count), "") for value, count in one["top"])
    elif one["kind"] in ("code", "identifier") and one["examples"]:
        body = f"<p>{', '.join(map(page.data, one['examples']))}, …</p>"
    elif one["quantiles"]:
        chart = histogram_svg(one["histogram"], f"Histogram of {one['name']}")
        told = _quantiles(one["quantiles"], ("p0", "p50", "p100"))
        unit = "" if one["of"] == "values" else page.escaped(one["of"])
        body = f'{chart}<p class="faint">{page.escaped(told)} {unit}</p>'
    notes = "".join(f'<p class="faint">{page.data(note)}</p>' for note in one["notes"])
    if one["shapes"] and one["kind"] in ("code", "identifier", "number", "quantity", "date"):
        told = " ".join(f"<code>{page.escaped(shape)}</code> {number(count)}" for shape, count in one["shapes"][:4])
        notes += f'<p class="faint">{told}</p>'
    head = f'<h3>{page.data(one["name"])}</h3><p class="faint">{page.escaped(" · ".join(facts))}</p>'
    return f'<div class="card">{head}{body}{notes}</div>'


def _relations(profile: Profile, dataset: str) -> Iterator[str]:
    if keys := profile["keys"]:
        told = ", ".join(" + ".join(map(page.data, key)) for key in keys)
        yield from page.section("Candidate keys", [f"<p>{told}</p>"], "different in every row")
    if found := profile["dependencies"]:
        rows = (
            (
                f"{page.data(one['left'])} → {page.data(one['right'])}",
                percent(one["confidence"]),
                number(one["rows"]),
                _odd(one),
            )
            for one in found
        )
        head = ("decides", "agree", "contradict", "for example")
        aside = "rows that contradict the rest of their group"
        yield from page.section("Dependencies", page.table(head, rows, (1, 2)), aside)
    if pairs := profile["correlated"]:
        told = ", ".join(f"{page.data(a)} and {page.data(b)} ({r:+.3f})" for a, b, r in pairs)
        yield from page.section("Correlated columns", [f"<p>{told}</p>"], "Pearson, .95 or more")


def _odd(one: Profile) -> str:
    told = "".join(
        f"<p>{page.data(at)}: “{page.data(found)}”, elsewhere “{page.data(expected)}”</p>"
        for at, found, expected in ((one["at"], one["found"], one["expected"]) for one in one["examples"][:2])
    )
    return f"{told}<details><summary>SQL</summary><pre>{page.escaped(one['sql'])}</pre></details>"
