"""A profile as one HTML page that needs nothing else: no script, no network, light and dark.

It knows the JSON that `inspect.profile` reports (`tools/inspect/_details.py`). Everything that comes from
data is made harmless and escaped where it is placed, and the page's own policy forbids scripts and loading.
"""

from __future__ import annotations

import html
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any, Final

from .cells import neutral
from .profile_text import command, many, number, percent

Profile = Mapping[str, Any]

_STYLE: Final = """
:root{color-scheme:light dark;--page:#fbfaf7;--card:#fff;--ink:#23211c;--faint:#6d685c;--line:#e3dfd5;
--bar:#7d9b5b;--soft:#eef2e6;--error:#b3261e;--warning:#a86400;--note:#2f6690}
@media (prefers-color-scheme:dark){:root{--page:#191814;--card:#22211c;--ink:#ebe7dc;--faint:#a39d8e;
--line:#3a382f;--bar:#8fae6b;--soft:#2b3022;--error:#ff8a80;--warning:#f2b35b;--note:#86bce6}}
*{box-sizing:border-box}
body{margin:0;background:var(--page);color:var(--ink);font:15px/1.5 system-ui,sans-serif}
main{max-width:66rem;margin:0 auto;padding:2rem 1.25rem 4rem}
h1{font-size:1.7rem;line-height:1.2;margin:0 0 .3rem;overflow-wrap:anywhere}
h2{font-size:1.1rem;margin:2.4rem 0 .7rem;display:flex;justify-content:space-between;
align-items:baseline;gap:1rem}
h2 small,.faint{color:var(--faint);font-size:.85rem;font-weight:400}
p{margin:.3rem 0}
code,pre{font-family:ui-monospace,"DejaVu Sans Mono",monospace;background:var(--soft);overflow-wrap:anywhere}
code{font-size:.86em;padding:.12em .4em;border-radius:4px}
pre{font-size:.8rem;line-height:1.45;margin:.4rem 0;white-space:pre-wrap;padding:.5rem .7rem;
border-radius:6px}
table{border-collapse:collapse;width:100%}
th{font-weight:600;text-align:left;color:var(--faint);font-size:.8rem}
th,td{padding:.35rem .7rem .35rem 0;border-bottom:1px solid var(--line);vertical-align:top}
td{overflow-wrap:anywhere}
.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
.finding{background:var(--card);border:1px solid var(--line);border-left:4px solid;border-radius:6px;
padding:.45rem .9rem;margin:.4rem 0;display:grid;grid-template-columns:10rem minmax(0,1fr);gap:0 1rem}
.finding>div:last-child{display:flex;flex-wrap:wrap;gap:0 1rem;align-items:baseline}
.finding p:first-child{flex:1 1 22rem}
.finding details{flex:1 1 100%;margin:0}
.finding .count{font-size:1.15rem;font-weight:650;font-variant-numeric:tabular-nums;line-height:1.2}
.error{border-left-color:var(--error)}
.warning{border-left-color:var(--warning)}
.note{border-left-color:var(--note)}
.severity{font-size:.75rem;font-weight:650;letter-spacing:.04em;text-transform:uppercase}
.error .severity{color:var(--error)}
.warning .severity{color:var(--warning)}
.note .severity{color:var(--note)}
details{margin-top:.3rem}
summary{cursor:pointer;color:var(--faint);font-size:.85rem}
.grid{display:grid;grid-template-columns:repeat(auto-fill,minmax(18.5rem,1fr));gap:.8rem}
.card{background:var(--card);border:1px solid var(--line);border-radius:6px;padding:.7rem .9rem;min-width:0}
.card h3{font-size:.95rem;margin:0 0 .2rem;overflow-wrap:anywhere}
svg{display:block;width:100%;height:auto}
svg rect{fill:var(--bar)}
svg text{fill:var(--faint);font:10px system-ui,sans-serif}
.bars{display:grid;grid-template-columns:minmax(3rem,max-content) minmax(4rem,1fr) auto;gap:.15rem .7rem;
align-items:center;font-size:.88rem}
.bars span{overflow-wrap:anywhere}
.bars i{display:block;height:.7rem;background:var(--bar);border-radius:2px}
.bars .error{background:var(--error)}
.bars .warning{background:var(--warning)}
.bars .note{background:var(--note)}
""".strip()

_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'"
_TITLES: Final = {"error": "errors", "warning": "warnings", "note": "notes"}


def render_html(profile: Profile, *, dataset: str = "X") -> str:
    """The whole page. `profile`: the details of an `inspect.profile` report; `dataset`: the name for commands
    and title.
    """
    sections = (
        _findings, _unchecked, _lengths, _languages, _duplicates, _system_prompts, _phrases, _pairs, _labels,
        _columns,        _relations,
    )  # fmt: skip
    body = "\n".join(part for section in sections if (part := "".join(section(profile, dataset))))
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escaped(dataset)}: profile</title>\n<style>\n{_STYLE}\n</style>\n</head>\n<body>\n<main>\n"
        f"{_head(profile, dataset)}\n{body}\n</main>\n</body>\n</html>\n"
    )


def escaped(text: Any) -> str:
    """Text from data, safe as HTML content and in quoted attributes."""
    return html.escape(neutral(str(text)))


def _data(text: Any) -> str:
    """Text from data, kept from changing the reading direction of what stands around it."""
    return f"<bdi>{escaped(text)}</bdi>"


def _section(title: str, body: Iterable[str], aside: str = "") -> Iterator[str]:
    yield f"<section>\n<h2>{title}{f' <small>{escaped(aside)}</small>' if aside else ''}</h2>\n"
    yield from body
    yield "\n</section>"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]], numbers: Sequence[int] = ()) -> Iterator[str]:
    """A table of cells that are HTML already; columns whose place is in `numbers` are set right."""
    mark = [' class="n"' if place in numbers else "" for place in range(len(head))]
    yield f"<table><tr>{''.join(f'<th{m}>{cell}</th>' for m, cell in zip(mark, head, strict=True))}</tr>"
    for row in rows:
        yield f"<tr>{''.join(f'<td{m}>{cell}</td>' for m, cell in zip(mark, row, strict=True))}</tr>"
    yield "</table>"


def _bars(rows: Iterable[tuple[str, float, str, str]]) -> str:
    """Horizontal bars: (label as HTML, share of the width, what stands behind it, class)."""
    told = "".join(
        f'<span>{label}</span><i class="{kind}" style="width:{max(min(share, 1.0), 0.0) * 100:.2f}%"></i>'
        f'<span class="n">{escaped(behind)}</span>'
        for label, share, behind, kind in rows
    )
    return f'<div class="bars">{told}</div>'


def histogram_svg(histogram: Mapping[str, Any], label: str, *, width: int = 280, height: int = 84) -> str:
    """A histogram as inline SVG: bars of equal width, each with its range and count as a tooltip."""
    counts, edges = histogram["counts"], histogram["edges"]
    if len(counts) < 2:
        return f"<p>always {escaped(_edge(edges[0]))}</p>" if counts else ""
    most, floor = max(counts), height - 14
    step = width / len(counts)
    bars = []
    for place, count in enumerate(counts):
        tall = (floor - 2) * count / most if most else 0
        tall = max(tall, 1.0) if count else 0.0
        told = f"{number(edges[place])} to {number(edges[place + 1])}: {number(count)}"
        bars.append(
            f'<rect x="{place * step + 0.5:.2f}" y="{floor - tall:.2f}" width="{max(step - 1, 0.5):.2f}" '
            f'height="{tall:.2f}"><title>{escaped(told)}</title></rect>'
        )
    half = len(counts) // 2
    ticks = [(0.0, "start", edges[0]), (half * step, "middle", edges[half]), (width, "end", edges[-1])]
    texts = "".join(
        f'<text x="{x:.0f}" y="{height - 3}" text-anchor="{anchor}">{escaped(_edge(edge))}</text>'
        for x, anchor, edge in ticks
    )
    if not histogram["even"]:
        texts += f'<text x="{width}" y="9" text-anchor="end">log scale</text>'
    view = f'viewBox="0 0 {width} {height}" role="img" aria-label="{escaped(label)}"'
    return f"<svg {view}>{''.join(bars)}{texts}</svg>"


def _quantiles(quantiles: Mapping[str, Any], keys: Sequence[str]) -> str:
    names = {"p0": "least", "p50": "median", "p100": "most"}
    return " · ".join(f"{names.get(key, key)} {number(quantiles[key])}" for key in keys)


def _edge(value: float) -> str:
    return number(int(value)) if float(value).is_integer() and abs(value) < 1e15 else number(float(value))


# Sections -------------------------------------------------------------------------------------------------


def _head(profile: Profile, dataset: str) -> str:
    parts = [many(profile["rows"], profile["unit"]), f"{profile['format']} format"]
    parts += [f"{number(one['total'])} characters of {one['of']}" for one in profile["lengths"][:1]]
    lines = [f"<h1>{_data(dataset)}</h1>", f"<p>{escaped(' · '.join(parts))}</p>"]
    lines.append(f'<p class="faint">reads: {escaped(profile["reads"])}</p>')
    for name in ("sources", "splits"):
        if len(profile[name]) > (name == "sources"):
            told = " · ".join(f"{label} {number(count)}" for label, count in profile[name])
            lines.append(f'<p class="faint">{name}: {escaped(told)}</p>')
    return "\n".join(lines)


def _findings(profile: Profile, dataset: str) -> Iterator[str]:
    found = profile["findings"]
    counts = {severity: len(list(some)) for severity, some in groupby(found, key=lambda one: one["severity"])}
    aside = ", ".join(many(count, _TITLES[severity]) for severity, count in counts.items())
    yield from _section("What to look at first", _finding_list(profile, dataset), aside or "nothing wrong found")


def _finding_list(profile: Profile, dataset: str) -> Iterator[str]:
    for one in profile["findings"]:
        severity = escaped(one["severity"])
        unit = one["unit"] if one["share"] is None else f"{one['unit']}, {percent(one['share'])}"
        yield (
            f'<div class="finding {severity}"><div><div class="severity">{severity}</div>'
            f'<span class="count">{number(one["count"])}</span> <span class="faint">{escaped(unit)}</span></div>'
            f"<div><p>{_data(one['message'])}</p>"
        )
        if one["fix"]:
            yield f"<p><code>{escaped(command(one['fix'], dataset))}</code></p>"
        yield from _evidence(one)
        yield "</div></div>\n"
    if profile["clean"]:
        told = ", ".join(profile["clean"])
        yield f'<p class="faint">Looked for in every row and not found: {escaped(told)}.</p>'
    shares = [one for one in profile["findings"] if one["share"]]
    if len(shares) > 2:
        bars = ((escaped(one["code"]), one["share"], percent(one["share"]), one["severity"]) for one in shares)
        yield f"<details open><summary>share of the rows</summary>{_bars(bars)}</details>"


def _evidence(one: Profile) -> Iterator[str]:
    if not one["examples"] and not one["sql"]:
        return
    yield "<details><summary>examples and SQL</summary>"
    for example in one["examples"]:
        yield f'<p class="faint">{_data(example["at"])} · row {escaped(example["row"][:12])}</p>'
        yield f"<pre>{_data(example['text'])}</pre>"
    if one["sql"]:
        yield f"<pre>{escaped(one['sql'])}</pre>"
    yield "</details>"


def _unchecked(profile: Profile, dataset: str) -> Iterator[str]:
    told = (f"<li>{_data(one['what'])}: {_data(one['why'])}.</li>" for one in profile["not_checked"])
    yield from _section("Not checked", ["<ul>", *told, "</ul>"])


def _lengths(profile: Profile, dataset: str) -> Iterator[str]:
    found = [one for one in profile["lengths"] if one["count"]]
    if found:
        cards = ['<div class="grid">', *(_length_card(one) for one in found), "</div>"]
        yield from _section("Lengths", cards, "characters; turns in turns")


def _length_card(one: Profile) -> str:
    quantiles = _quantiles(one["quantiles"], ("p5", "p50", "p95", "p100"))
    return (
        f'<div class="card"><h3>{_data(one["of"])} <span class="faint">{number(one["count"])}</span></h3>'
        f"{histogram_svg(one['histogram'], 'Histogram of ' + one['of'])}"
        f'<p class="faint">{escaped(quantiles)} {escaped(one["unit"])}</p></div>'
    )


def _languages(profile: Profile, dataset: str) -> Iterator[str]:
    found = profile["languages"]
    if found and found["examined"]:
        shares = [(code, count / found["examined"], count) for code, count in found["shares"]]
        sampled = found["examined"] < found["rows"]
        of = f"{number(found['examined'])} sampled of {number(found['rows'])} rows" if sampled else "every row"
        bars = _bars((escaped(code), share, f"{percent(share)}  {number(count)}", "") for code, share, count in shares)
        yield from _section("Languages", [bars], f"{of}; und: too short or unsure")


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
    body = [_bars(lines)]
    if profile["overlaps"]:
        head = ("shared by", "text", "rows", "of", "rows", "of")
        cells = (
            (
                escaped(f"{one['by']}s"),
                escaped(one["of"]),
                number(one["rows"]),
                _data(one["left"]),
                number(one["right_rows"]),
                _data(one["right"]),
            )
            for one in profile["overlaps"]
        )
        body += _table(head, cells, (2, 4))
    yield from _section("Duplicates", body, f"compared: {found['compared']}")


def _system_prompts(profile: Profile, dataset: str) -> Iterator[str]:
    if prompts := profile["system_prompts"]:
        distinct = ("" if prompts["exact"] else "about ") + number(prompts["distinct"])
        body = _bars(
            (_data(text), count / max(prompts["rows"], 1), number(count), "") for text, count in prompts["top"]
        )
        yield from _section("System prompts", [body], f"{number(prompts['rows'])} rows, {distinct} different")


def _phrases(profile: Profile, dataset: str) -> Iterator[str]:
    phrases = profile["phrases"]
    if phrases and (phrases["openings"] or phrases["closings"]):
        body = _bars(
            (f"{verb} with {_data(text)}", count / phrases["answers"], number(count), "")
            for name, verb in (("openings", "open"), ("closings", "close"))
            for text, count in phrases[name]
        )
        yield from _section("Phrases answers share", [body], f"of {number(phrases['answers'])} answers")


def _pairs(profile: Profile, dataset: str) -> Iterator[str]:
    found = profile["preference"]
    if not found:
        return
    total = max(found["pairs"], 1)
    names = {"chosen": "chosen is longer", "rejected": "rejected is longer", "same": "about as long"}
    bars = _bars((names[side], count / total, percent(count / total), "") for side, count in found["longer"].items())
    cards = [_length_card({"of": "chosen − rejected", "unit": "characters", **found["difference"]})]
    for name, margin in found["margins"].items():
        chart = histogram_svg(margin["histogram"], "Histogram of score margins")
        told = f"{number(margin['ties'])} ties of {number(margin['count'])}"
        cards.append(f'<div class="card"><h3>{_data(name)} − rejected</h3>{chart}<p class="faint">{told}</p></div>')
    body = [bars, '<div class="grid">', *cards, "</div>"]
    yield from _section("Chosen and rejected", body, f"{number(found['pairs'])} pairs")


def _labels(profile: Profile, dataset: str) -> Iterator[str]:
    if labels := profile["labels"]:
        total = max(sum(count for _, count in labels), 1)
        yield from _section(
            "Labels", [_bars((_data(name), count / total, number(count), "") for name, count in labels)]
        )


def _columns(profile: Profile, dataset: str) -> Iterator[str]:
    if profile["columns"]:
        cards = ['<div class="grid">', *(_column_card(one, profile) for one in profile["columns"]), "</div>"]
        yield from _section("Columns", cards, f"{number(len(profile['columns']))} in {many(profile['rows'], 'rows')}")


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
        body = _bars((_data(value), count / rows, number(count), "") for value, count in one["top"])
    elif one["kind"] in ("code", "identifier") and one["examples"]:
        body = f"<p>{', '.join(map(_data, one['examples']))}, …</p>"
    elif one["quantiles"]:
        chart = histogram_svg(one["histogram"], f"Histogram of {one['name']}")
        told = _quantiles(one["quantiles"], ("p0", "p50", "p100"))
        unit = "" if one["of"] == "values" else escaped(one["of"])
        body = f'{chart}<p class="faint">{escaped(told)} {unit}</p>'
    notes = "".join(f'<p class="faint">{_data(note)}</p>' for note in one["notes"])
    if one["shapes"] and one["kind"] in ("code", "identifier", "number", "quantity", "date"):
        told = " ".join(f"<code>{escaped(shape)}</code> {number(count)}" for shape, count in one["shapes"][:4])
        notes += f'<p class="faint">{told}</p>'
    head = f'<h3>{_data(one["name"])}</h3><p class="faint">{escaped(" · ".join(facts))}</p>'
    return f'<div class="card">{head}{body}{notes}</div>'


def _relations(profile: Profile, dataset: str) -> Iterator[str]:
    if keys := profile["keys"]:
        told = ", ".join(" + ".join(map(_data, key)) for key in keys)
        yield from _section("Candidate keys", [f"<p>{told}</p>"], "different in every row")
    if found := profile["dependencies"]:
        rows = (
            (
                f"{_data(one['left'])} → {_data(one['right'])}",
                percent(one["confidence"]),
                number(one["rows"]),
                _odd(one),
            )
            for one in found
        )
        head = ("decides", "agree", "contradict", "for example")
        yield from _section("Dependencies", _table(head, rows, (1, 2)), "rows that contradict the rest of their group")
    if pairs := profile["correlated"]:
        told = ", ".join(f"{_data(a)} and {_data(b)} ({r:+.3f})" for a, b, r in pairs)
        yield from _section("Correlated columns", [f"<p>{told}</p>"], "Pearson, .95 or more")


def _odd(one: Profile) -> str:
    told = "".join(
        f"<p>{_data(at)}: “{_data(found)}”, elsewhere “{_data(expected)}”</p>"
        for at, found, expected in ((one["at"], one["found"], one["expected"]) for one in one["examples"][:2])
    )
    return f"{told}<details><summary>SQL</summary><pre>{escaped(one['sql'])}</pre></details>"
