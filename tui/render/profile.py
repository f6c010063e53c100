"""A profile on a terminal: what to look at first, then what is in the data.

It knows the JSON that `inspect.profile` reports (`tools/inspect/_details.py`) and cells. It computes nothing
and reads no row. All text from data is made harmless before it is placed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any, Final

from ...agent.plural import counted
from ..cells import bar, fit, left, neutral, right, spark, width, wrap

NARROWEST: Final = 40
_STYLES: Final = {
    "error": "1;31",
    "warning": "1;33",
    "note": "1;36",
    "heading": "1",
    "fix": "32",
    "faint": "2",
}
_HEADINGS: Final = {"error": "ERRORS", "warning": "WARNINGS", "note": "NOTES"}
_COUNT: Final = 9
_SHARE: Final = 7
_SHOWN_COLUMNS: Final = 40

Profile = Mapping[str, Any]


def render_profile(profile: Profile, *, dataset: str = "X", width: int = 80, color: bool = False) -> str:
    """The profile as lines of at most `width` cells (40 at least), without a line end at the end.

    `profile`: the details of an `inspect.profile` report. `dataset`: the name that the commands shown are
    given.
    """
    page = _Page(dataset, max(width, NARROWEST), color)
    sections = (
        _head, _verdict, _unchecked, _lengths, _languages, _repeated, _system_prompts, _phrases, _pairs,
        _labels,        _columns, _keys, _dependencies, _correlated,
    )  # fmt: skip
    blocks = ["\n".join(lines) for section in sections if (lines := list(section(profile, page)))]
    return "\n\n".join(blocks)


class _Page:
    """The grid a profile is written on."""

    def __init__(self, dataset: str, cells: int, color: bool) -> None:
        self.dataset = neutral(dataset)
        self.cells = cells
        self._color = color

    def paint(self, style: str, text: str) -> str:
        return f"\x1b[{_STYLES[style]}m{text}\x1b[0m" if self._color and text else text

    def wrapped(self, text: str, indent: int = 2, first: str = "", style: str = "") -> Iterator[str]:
        """Lines of a text, all indented; the first one behind `first`, which takes the indent's place."""
        for number, line in enumerate(wrap(text, self.cells - indent)):
            yield (left(first, indent) if number == 0 else " " * indent) + (self.paint(style, line) if style else line)

    def heading(self, title: str, aside: str = "") -> str:
        aside = fit(aside, self.cells - width(title) - 2)
        gap = " " * (self.cells - width(title) - width(aside))
        return self.paint("heading", title) + (gap + self.paint("faint", aside) if aside else "")


def number(value: Any) -> str:
    """A value for people: thousands apart, fractions to four digits, nothing for None."""
    if value is None:
        return "–"
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:,.4g}" if abs(value) < 10_000 else f"{value:,.0f}"


def percent(share: float) -> str:
    """A share in percent: never 0% or 100% for what is not."""
    if 0 < share < 0.001:
        return "<0.1%"
    if 0.999 < share < 1:
        return ">99.9%"
    return f"{share:.1%}" if share < 0.995 else f"{share:.1%}".replace("100.0%", "100%")


def command(fix: str, dataset: str) -> str:
    """The command line of a finding's `fix`: the tool, the dataset, the arguments."""
    tool, _, args = fix.partition(" ")
    return f"tilth do {tool} {dataset} {args}".rstrip()


# Head and verdict -----------------------------------------------------------------------------------------


def _head(profile: Profile, page: _Page) -> Iterator[str]:
    parts = [counted(profile["rows"], profile["unit"]), f"{profile['format']} format"]
    total = next((one for one in profile["lengths"]), None)
    if total:
        parts.append(f"{number(total['total'])} characters of {neutral(total['of'])}")
    name = fit(page.dataset, page.cells // 2)
    yield page.paint("heading", name)
    yield from page.wrapped(" · ".join(parts))
    yield from page.wrapped(f"reads: {neutral(profile['reads'])}", style="faint")
    for name in ("sources", "splits"):
        if len(profile[name]) > (name == "sources"):
            told = " · ".join(f"{neutral(label)} {number(count)}" for label, count in profile[name])
            yield from page.wrapped(f"{name}: {told}", style="faint")


def _verdict(profile: Profile, page: _Page) -> Iterator[str]:
    findings = profile["findings"]
    if not findings:
        yield page.heading("NOTHING WRONG FOUND")
    for severity, found in groupby(findings, key=lambda one: one["severity"]):
        listed = list(found)
        yield page.heading(_HEADINGS[severity]).replace("\x1b[1m", f"\x1b[{_STYLES[severity]}m")
        for fix, group in _by_fix(listed):
            for one in group:
                yield from _finding(one, page)
            if not fix.isdigit():
                indent = 2 + _COUNT + _SHARE + 2
                yield from page.wrapped(command(neutral(fix), page.dataset), indent, " " * (indent - 2) + "→ ", "fix")
    if profile["clean"]:
        yield from page.wrapped(
            f"Looked for in every row and not found: {', '.join(profile['clean'])}.", 2, "", "faint"
        )


def _by_fix(findings: Sequence[Profile]) -> list[tuple[str, list[Profile]]]:
    """Findings with the same fix together, in the order in which each fix comes first."""
    groups: dict[str, list[Profile]] = {}
    for number, one in enumerate(findings):
        groups.setdefault(one["fix"] or str(number), []).append(one)
    return list(groups.items())


def _finding(one: Profile, page: _Page) -> Iterator[str]:
    share = percent(one["share"]) if one["share"] is not None else counted(one["count"], one["unit"]).split(" ", 1)[1]
    first = f"{right(number(one['count']), 2 + _COUNT)} {left(neutral(share), _SHARE)} "
    if width(share) > _SHARE:
        first = f"{right(number(one['count']), 2 + _COUNT)} {' ' * _SHARE} "
    text = neutral(one["message"])
    if one["examples"]:
        text += f" ({neutral(one['examples'][0]['at'])})"
    yield from page.wrapped(text, width(first) + 0, first)


def _unchecked(profile: Profile, page: _Page) -> Iterator[str]:
    yield page.heading("NOT CHECKED")
    for one in profile["not_checked"]:
        looked = f" ({command(one['fix'], page.dataset)})" if one["fix"] else ""
        yield from page.wrapped(f"{neutral(one['what'])}: {neutral(one['why'])}{looked}.")


# Columns --------------------------------------------------------------------------------------------------


def _columns(profile: Profile, page: _Page) -> Iterator[str]:
    columns = profile["columns"]
    if not columns:
        return
    rows = max(profile["rows"], 1)
    names = min(max(6, *(width(neutral(one["name"])) for one in columns)), max(page.cells // 4, 12))
    wide = page.cells >= 56

    def line(name: str, kind: str, missing: str, distinct: str) -> str:
        counts = f" {right(missing, 7)} {right(distinct, 9)}" if wide else ""
        return f"  {left(name, names)} {left(kind, 11)}{counts}  "

    yield page.heading("COLUMNS", f"{number(len(columns))} in {counted(profile['rows'], 'rows')}")
    yield page.paint("faint", fit(line("column", "kind", "missing", "distinct") + "values", page.cells))
    for one in columns[:_SHOWN_COLUMNS]:
        missing = percent(one["missing"] / rows) if one["missing"] else "–"
        distinct = number(one["distinct"]) if one["exact"] else f"≈{number(one['distinct'])}"
        start = line(neutral(one["name"]), one["kind"], missing, distinct)
        yield start + _values(one, page.cells - width(start))
        for note in one["notes"] if page.cells >= 60 else ():
            yield from page.wrapped(neutral(note), names + 4, style="faint")
    if len(columns) > _SHOWN_COLUMNS:
        yield f"  and {number(len(columns) - _SHOWN_COLUMNS)} more columns: --json and --html list them all"


def _values(one: Profile, cells: int) -> str:
    """What stands in a column, in the cells that are left: a range with its histogram, or the frequent values."""
    quantiles = one["quantiles"]
    if one["kind"] in ("category", "true/false", "date", "code") and one["top"]:
        return _frequent(one, cells)
    if one["kind"] in ("identifier", "code") and one["examples"]:
        return fit(", ".join(map(neutral, one["examples"])) + ", …", cells)
    if quantiles:
        chart = spark(one["histogram"]["counts"])
        unit = " characters" if one["of"] == "characters" else " items" if one["of"] == "items" else ""
        low, mid, high = (number(quantiles[key]) for key in ("p0", "p50", "p100"))
        for text in (f"{low} … {mid} … {high}{unit}", f"{low} … {high}{unit}", f"{low} … {high}"):
            if width(text) + 1 + len(chart) <= cells:
                return f"{text} {chart}"
        return fit(f"{low} … {high}", cells)
    return fit("–" if one["kind"] == "empty" else "", cells)


def _frequent(one: Profile, cells: int) -> str:
    rarer = one["least"] is not None and one["distinct"] > len(one["top"])
    tail = f" … {number(one['least'])}" if rarer else ""
    told = ""
    for value, count in one["top"]:
        piece = f"{fit(neutral(value), 24)} {number(count)}"
        longer = f"{told}, {piece}" if told else piece
        if width(longer + tail) > cells:
            return f"{told}{tail}" if told else fit(f"{piece}{tail}", cells)
        told = longer
    return told + tail


def _keys(profile: Profile, page: _Page) -> Iterator[str]:
    if keys := profile["keys"]:
        yield page.heading("KEYS", "different in every row")
        told = ", ".join(" + ".join(map(neutral, key)) for key in keys[:6])
        yield from page.wrapped(told + (f" and {number(len(keys) - 6)} more" if len(keys) > 6 else ""))


def _dependencies(profile: Profile, page: _Page) -> Iterator[str]:
    found = profile["dependencies"]
    if not found:
        return
    yield page.heading("DEPENDENCIES", "rows that contradict the rest of their group")
    if whole := [f"{neutral(one['left'])} → {neutral(one['right'])}" for one in found if not one["rows"]]:
        more = f" and {number(len(whole) - 6)} more" if len(whole) > 6 else ""
        yield from page.wrapped(f"in every row: {', '.join(whole[:6])}{more}")
    found = [one for one in found if one["rows"]]
    for one in found[:10]:
        yield from page.wrapped(f"{neutral(one['left'])} → {neutral(one['right'])}", 12, right(number(one["rows"]), 10))
        for example in one["examples"][:1]:
            at, found_, expected = (neutral(example[key]) for key in ("at", "found", "expected"))
            text = f"{at}: “{found_}”, elsewhere “{expected}”"
            yield from page.wrapped(fit(text, page.cells - 14), 14, style="faint")
    if len(found) > 10:
        yield f"  and {number(len(found) - 10)} more: --json and --html list them all"


def _correlated(profile: Profile, page: _Page) -> Iterator[str]:
    if found := profile["correlated"]:
        yield page.heading("CORRELATED")
        yield from page.wrapped(", ".join(f"{neutral(a)} and {neutral(b)} ({r:+.3f})" for a, b, r in found[:8]))


# Texts ----------------------------------------------------------------------------------------------------


def _lengths(profile: Profile, page: _Page) -> Iterator[str]:
    found = profile["lengths"]
    if not found:
        return
    names = min(max(width(neutral(one["of"])) for one in found), 16, page.cells // 4)
    wide = page.cells >= 72
    keys = ("p5", "p50", "p95", "p100") if wide else ("p50", "p100")
    head = "".join(right({"p100": "max"}.get(key, key), 8) for key in keys)
    yield page.heading("LENGTHS", "characters; turns in turns")
    yield page.paint("faint", fit(f"  {left('', names)} {right('count', 9)}{head}", page.cells))
    for one in found:
        if one["count"]:
            told = "".join(right(number(one["quantiles"][key]), 8) for key in keys)
            line = f"  {left(neutral(one['of']), names)} {right(number(one['count']), 9)}{told}  "
            yield line + fit(spark(one["histogram"]["counts"]), page.cells - width(line))
    if held := [(what, count) for what, count in profile["holds"] if count]:
        told = ", ".join(f"{what} {percent(count / profile['rows'])}" for what, count in held)
        yield from page.wrapped(f"Rows with {told}.", style="faint")
    tokens = float(f"{found[0]['total'] / 4:.2g}")
    yield from page.wrapped(
        f"About {tokens:,.0f} tokens in {neutral(found[0]['of'])}: characters / 4, an estimate.",
        style="faint",
    )


def _languages(profile: Profile, page: _Page) -> Iterator[str]:
    found = profile["languages"]
    if not found or not found["examined"]:
        return
    sampled = found["examined"] < found["rows"]
    of = f"{number(found['examined'])} sampled of {number(found['rows'])}" if sampled else "every row"
    yield page.heading("LANGUAGES", f"{of}; und: too short or unsure")
    most = max(page.cells - 2 - 5 - 8 - 10, 8)
    for code, count in found["shares"][:8]:
        share = count / found["examined"]
        told = f"  {left(code, 5)}{right(percent(share), 8)} {right(number(count), 8)}"
        yield f"{told} {bar(share, min(most, 40))}".rstrip()
    if len(found["shares"]) > 8:
        yield f"  and {len(found['shares']) - 8} more"


def _repeated(profile: Profile, page: _Page) -> Iterator[str]:
    found, rows = profile["duplicates"], max(profile["rows"], 1)
    yield page.heading("DUPLICATES", f"compared: {neutral(found['compared'])}")
    groups = (
        f" in {counted(found['groups'], 'groups')}, the largest of {number(found['largest'])}" if found["exact"] else ""
    )
    yield from page.wrapped(f"exact {number(found['exact'])} ({percent(found['exact'] / rows)}){groups}")
    if found["near"] is not None:
        share = percent(found["near"] / rows)
        yield from page.wrapped(
            f"near  {number(found['near'])} ({share}), Jaccard {found['threshold']:g} or more, besides"
        )
    for one in profile["overlaps"]:
        text = (
            f"{one['of']} in two {one['by']}s: {counted(one['rows'], 'rows')} of {neutral(one['left'])}, "
            f"{number(one['right_rows'])} of {neutral(one['right'])}"
        )
        yield from page.wrapped(text)


def _system_prompts(profile: Profile, page: _Page) -> Iterator[str]:
    if prompts := profile["system_prompts"]:
        distinct = ("" if prompts["exact"] else "about ") + number(prompts["distinct"])
        yield page.heading("SYSTEM PROMPTS", f"{counted(prompts['rows'], 'rows')}, {distinct} different")
        for text, count in prompts["top"][:3]:
            yield from page.wrapped(f"“{fit(neutral(text), 2 * page.cells - 30)}”", 12, right(number(count), 10))


def _phrases(profile: Profile, page: _Page) -> Iterator[str]:
    phrases = profile["phrases"]
    if phrases and (phrases["openings"] or phrases["closings"]):
        yield page.heading("PHRASES", f"of {counted(phrases['answers'], 'answers')}")
        for name, verb in (("openings", "open"), ("closings", "close")):
            for text, count in phrases[name][:5]:
                yield from page.wrapped(f"{verb} with “{neutral(text)}”", 12, right(number(count), 10))


def _pairs(profile: Profile, page: _Page) -> Iterator[str]:
    found = profile["preference"]
    if found:
        yield page.heading("CHOSEN AND REJECTED", counted(found["pairs"], "pairs"))
        for side, count in found["longer"].items():
            share = count / max(found["pairs"], 1)
            name = "about as long" if side == "same" else f"{side} is longer"
            told = f"  {left(name, 18)}{right(percent(share), 8)}"
            yield f"{told} {bar(share, min(page.cells - 30, 40))}".rstrip()
        quantiles = found["difference"]["quantiles"]
        if quantiles:
            told = " · ".join(f"{key} {number(quantiles[key])}" for key in ("p5", "p50", "p95"))
            yield from page.wrapped(
                f"chosen - rejected, characters: {told} {spark(found['difference']['histogram']['counts'])}"
            )
        share = percent(found["half_shared_prefix"] / max(found["pairs"], 1))
        yield from page.wrapped(f"{share} share at least half of the shorter answer from its beginning")
        for name, margin in found["margins"].items():
            chart = spark(margin["histogram"]["counts"])
            yield from page.wrapped(f"{neutral(name)} - rejected: {chart} {number(margin['ties'])} ties")


def _labels(profile: Profile, page: _Page) -> Iterator[str]:
    if labels := profile["labels"]:
        yield page.heading("LABELS")
        yield from page.wrapped(" · ".join(f"{neutral(name)} {number(count)}" for name, count in labels))
