"""Facts as a hub card: YAML front matter and Markdown, in which every number is a fact and nothing else is.

It knows sections and their order. A template names facts in braces; each line remembers which facts it shows,
so that a changed number can be traced to its fact. What people said stands between markers and is theirs to
edit.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import yaml

from ..store.licences import UNSPECIFIED
from ._answers import NOT_PROVIDED, QUESTIONS, hub_license
from ._facts import Facts, code, name_of, part, plain

BEGIN: Final = "<!-- written by people: {} -->"
END: Final = "<!-- end of what people wrote -->"
_SLOT: Final = re.compile(r"\{([^{}]*)\}")

SIZES: Final = (
    (10**3, "n<1K"), (10**4, "1K<n<10K"), (10**5, "10K<n<100K"), (10**6, "100K<n<1M"), (10**7, "1M<n<10M"),
    (10**8, "10M<n<100M"), (10**9, "100M<n<1B"), (10**10, "1B<n<10B"), (10**11, "10B<n<100B"),
    (10**12, "100B<n<1T"),
)  # fmt: skip
LONGEST_TABLE: Final = 100
LANGUAGE_TAG: Final = 0.05
"""From this share of the examined rows on, a language is a tag of the card."""

CHECKS: Final[dict[str, tuple[str, ...]]] = {
    "near-duplicates": ("dedup.near",),
    "overlap with benchmarks": ("contaminate.scan",),
    "personal data": ("clean.pii", "inspect.pii"),
    "broken characters": ("clean.unicode",),
}
"""What a dataset was not checked for when none of the tools was run."""

CHAT_CHECKS: Final[dict[str, tuple[str, ...]]] = {"broken conversations": ("filter.chat", "clean.chat")}

ALWAYS_UNCHECKED: Final = (
    "whether what the rows say is true",
    "whether the declared licences hold",
    "offensive content and bias",
)


class Line(NamedTuple):
    """One line of the card and the ids of the facts it shows."""

    text: str
    facts: tuple[str, ...] = ()


@dataclass(frozen=True)
class Card:
    """All that a card is rendered from; `facts` are its only numbers."""

    dataset: str
    version: str
    format: str
    splits: Mapping[str, str]
    features: Sequence[Mapping[str, Any]] | None
    license: str
    facts: Facts
    answers: Mapping[str, str]

    @classmethod
    def of(cls, manifest: Mapping[str, Any], answers: Mapping[str, str]) -> Card:
        return cls(
            dataset=manifest["dataset"],
            version=manifest["version"],
            format=manifest["options"]["format"],
            splits={file["split"]: file["path"] for file in manifest["files"] if file["split"] is not None},
            features=manifest["features"],
            license=manifest["license"],
            facts=Facts.from_json(manifest["facts"]),
            answers=answers,
        )


def render(card: Card) -> list[Line]:
    """The lines of README.md."""
    page = _Page(card.facts)
    _front_matter(page, card)
    page.add(f"# {plain(card.dataset)}")
    _summary(page, card)
    _human(page, card, ("purpose", "uses", "unsuitable"))
    _contents(page, card)
    _lengths(page, card)
    _languages(page, card)
    _human(page, card, ("collection", "people", "sensitive", "limits"))
    _sources(page, card)
    _funnel(page, card)
    _unchecked(page, card)
    _reproduce(page, card)
    _human(page, card, ("maintenance", "contact", "citation"))
    return page.lines


def text(lines: Sequence[Line]) -> str:
    return "\n".join(line.text for line in lines) + "\n"


class _Page:
    """Lines written so far."""

    def __init__(self, facts: Facts) -> None:
        self.facts = facts
        self.lines: list[Line] = []

    def add(self, *templates: str) -> None:
        """Append lines followed by an empty one; `{fact id}` in a line shows that fact."""
        for template in templates:
            self.lines.append(self.line(template))
        self.lines.append(Line(""))

    def line(self, template: str) -> Line:
        used = tuple(dict.fromkeys(_SLOT.findall(template)))
        return Line(_SLOT.sub(lambda found: self.facts.shown(found[1]), template), used)

    def table(self, head: Sequence[str], rows: Sequence[Sequence[str]], *, right: int = 0) -> None:
        """A table whose last `right` columns hold numbers."""
        rule = ["---"] * (len(head) - right) + ["---:"] * right
        self.add(*(f"| {' | '.join(cells)} |" for cells in (head, rule, *rows)))


def slot(text: str) -> str:
    """Text from outside, for a template: its braces mean nothing."""
    return text.replace("{", "&#123;").replace("}", "&#125;")


class _OneLine(yaml.SafeDumper):
    """Writes every text on one line, so that no name from data can end the front matter."""


def _text_node(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=None if value.isprintable() else '"')


_OneLine.add_representer(str, _text_node)


def _front_matter(page: _Page, card: Card) -> None:
    facts = card.facts
    total = facts.value("rows.total", 0)
    head: dict[str, Any] = {"pretty_name": card.dataset}
    spoken = [
        fact.id.split(".")[1]
        for fact in facts.values()
        if fact.id.startswith("language.") and fact.id.endswith(".share") and fact.value >= LANGUAGE_TAG
    ]
    tags = [name for name in spoken if name != "und"]
    if tags:
        head["language"] = tags
    head |= hub_license(card.license)
    head["size_categories"] = [next((name for limit, name in SIZES if total < limit), "n>1T")]
    head["tags"] = ["tilth", card.format]
    files = [{"split": split, "path": path} for split, path in card.splits.items()]
    head["configs"] = [{"config_name": "default", "data_files": files}]
    if card.features:
        head["dataset_info"] = {"features": list(card.features)}
    shown = tuple(f"language.{name}.share" for name in tags)
    of = {"size_categories": ("rows.total",), "language": shown}
    page.lines.append(Line("---"))
    for key, value in head.items():
        dumped = yaml.dump({key: value}, Dumper=_OneLine, sort_keys=False, allow_unicode=True, width=1_000_000)
        page.lines += [Line(line, of.get(key, ())) for line in dumped.splitlines()]
    page.lines += [Line("---"), Line("")]


def _summary(page: _Page, card: Card) -> None:
    splits = ", ".join(f"{plain(name)} {{split.{part(name)}.rows}}" for name in card.splits)
    page.add(f"{{rows.total}} rows in the format {plain(card.format)} ({splits}), {{bytes.total}} bytes.")
    page.add(f"Version {{version}}. Licence: {slot(plain(card.license or UNSPECIFIED))}.")
    page.add(
        "Every number here was computed by tilth; `tilth verify-card` computes it again from the files, or "
        "compares it with `provenance.jsonl`. Text between markers was written by people."
    )


def _human(page: _Page, card: Card, questions: Sequence[str]) -> None:
    for question in questions:
        heading, asked = QUESTIONS[question]
        page.add(f"## {heading}")
        page.lines.append(Line(BEGIN.format(question)))
        for line in said(card.answers.get(question, "")) or [f"{NOT_PROVIDED} ({asked})"]:
            page.lines.append(Line(line))
        page.add(END)


def said(answer: str) -> list[str]:
    """A person's answer as lines; it may be Markdown, but not a marker or the end of one."""
    return answer.replace("<!--", "&lt;!--").splitlines()


def _contents(page: _Page, card: Card) -> None:
    page.add("## Contents")
    asked = any(f"split.{name}.asked" in card.facts for name in card.splits)
    rows = []
    for split, path in card.splits.items():
        name = part(split)
        share = [f"{{split.{name}.asked}}" if f"split.{name}.asked" in card.facts else "as it came"] if asked else []
        of = [f"{{split.{name}.{part}}}" for part in ("rows", "share", "bytes")]
        rows.append([code(path), plain(split), *of, *share])
    page.table(
        ["file", "split", "rows", "share", "bytes", *(["asked"] if asked else [])],
        rows,
        right=4 if asked else 3,
    )
    columns = [
        fact.id.removesuffix(".type").removeprefix("column.") for fact in card.facts.values() if fact.unit == "type"
    ]
    told = [[slot(code(name_of(name))), f"{{column.{name}.type}}", f"{{column.{name}.missing}}"] for name in columns]
    page.table(["column", "type", "absent, null or empty"], told[:LONGEST_TABLE], right=1)
    if len(told) > LONGEST_TABLE:
        page.add("{columns.total} columns in all; the others stand in `manifest.json`.")
    for label in [id for id in card.facts if id.startswith("label.")]:
        page.add(f"Rows labelled {slot(code(name_of(label.split('.')[1])))}: {{{label}}}.")
    if "preference.longer" in card.facts:
        page.add("The chosen answer is longer than the rejected one in {preference.longer} of {rows.total} rows.")
    _duplicates(page, card)
    losses = [id.removesuffix(".what") for id in card.facts if id.startswith("loss.") and id.endswith(".what")]
    if losses:
        page.add("What the files do not say as the dataset did:")
        page.add(*(f"- {{{loss}.what}}: {{{loss}.rows}} rows" for loss in losses))


def _duplicates(page: _Page, card: Card) -> None:
    before = (
        "before any step {duplicates.before} rows repeated an earlier record; "
        if "duplicates.before" in card.facts
        else ""
    )
    line = f"Copies: {before}in these files {{duplicates.after}} rows repeat an earlier one"
    across = ", and {duplicates.across} rows have a copy in another split" if "duplicates.across" in card.facts else ""
    page.add(f"{line}{across}.")


def _lengths(page: _Page, card: Card) -> None:
    roles = [id.split(".")[1] for id in card.facts if id.startswith("length.") and id.endswith(".count")]
    rows = []
    if "turns.p50" in card.facts:
        rows.append(["turns a row", "{rows.total}", *(f"{{turns.p{percent}}}" for percent in (5, 50, 95, 100))])
    for role in roles:
        quantiles = [f"{{length.{role}.p{percent}}}" for percent in (5, 50, 95, 100)]
        rows.append([f"{slot(plain(name_of(role)))}, characters", f"{{length.{role}.count}}", *quantiles])
    if not rows:
        return
    page.add("## Lengths")
    page.table(["", "counted", "low", "median", "high", "longest"], rows, right=5)
    page.add("One in twenty lies below low, one in twenty above high. Lengths are characters, not tokens.")
    if card.facts.value("system.rows"):
        page.add("{system.rows} rows have a system prompt.")
    if card.facts.value("media.parts"):
        page.add("{media.parts} parts in {media.rows} rows are images, audio or other files, and not examined.")


def _languages(page: _Page, card: Card) -> None:
    codes = [id.split(".")[1] for id in card.facts if id.startswith("language.") and id.endswith(".share")]
    if not codes:
        return
    page.add("## Languages")
    page.table(
        ["language", "rows", "share"],
        [[plain(name), f"{{language.{name}.rows}}", f"{{language.{name}.share}}"] for name in codes],
        right=2,
    )
    page.add(
        "Identified in {languages.examined} of {rows.total} rows, one language a row; 'und' is too short "
        "or too unsure to tell. The method stands in `manifest.json`."
    )


def _sources(page: _Page, card: Card) -> None:
    page.add("## Sources")
    numbers = _numbers(card.facts, "source")
    if not numbers:
        page.add("The workspace has no record of where the rows came from.")
        return
    rows = []
    for i in numbers:
        for j in _numbers(card.facts, f"source.{i}.file"):
            told = [f"{{source.{i}.file.{j}.{key}}}" for key in ("name", "rows", "bytes", "sha256")]
            rows.append([f"{{source.{i}.name}}", *told, f"{{source.{i}.license}}"])
    if rows:
        page.table(["source", "file", "rows", "bytes", "sha256", "declared licence"], rows[:LONGEST_TABLE])
    if len(rows) > LONGEST_TABLE:
        page.add("{sources.files} files in all; the others stand in `provenance.jsonl`.")
    for i in numbers:
        keys = ("url", "license_url", "terms", "retrieved", "split")
        told = [f"{key} {{source.{i}.{key}}}" for key in keys if f"source.{i}.{key}" in card.facts]
        if told:
            page.add(f"{{source.{i}.name}}: {', '.join(told)}.")
    for i in (one for one in numbers if f"source.{one}.made_from" in card.facts):
        page.add(f"{{source.{i}.name}}: made by models or rules from {{source.{i}.made_from}} (declared licence "
                 f"{{source.{i}.license}}), one draft at a time, each judged by a panel.")  # fmt: skip
    for i in _numbers(card.facts, "import"):
        if f"import.{i}.planned" in card.facts:
            codes = [id for id in card.facts if id.startswith(f"import.{i}.refused.")]
            reasons_told = ", ".join(f"{slot(plain(name_of(id.split('.')[3])))} {{{id}}}" for id in codes)
            refused = f", refused: {reasons_told}" if reasons_told else ""
            page.add(f"Drafts: planned {{import.{i}.planned}}, accepted {{import.{i}.accepted}}{refused}; escalated to "
                     f"an adjudicator {{import.{i}.escalated}}.")  # fmt: skip
            if f"import.{i}.self_reviewed" in card.facts:
                page.add("self_reviewed: the drafts were judged by the model that wrote them.")
            continue
        reasons = [id for id in card.facts if id.startswith(f"import.{i}.rejected.")]
        bad = (
            "; rejected: " + ", ".join(f"{slot(plain(name_of(id.split('.')[3])))} {{{id}}}" for id in reasons)
            if reasons
            else ""
        )
        counts = ", ".join(f"{what} {{import.{i}.{what}}}" for what in ("read", "kept", "blank"))
        page.add(f"Records: {counts}{bad}.")
    page.add("A licence is what was declared with a source; nobody checked that it holds.")


def _funnel(page: _Page, card: Card) -> None:
    page.add("## What was done")
    steps = _numbers(card.facts, "step")
    if not steps:
        page.add("Nothing was dropped, edited or added after the import.")
        return
    rows = []
    for i in steps:
        at = f"step.{i}"
        why = [
            f"{slot(plain(name_of(id.split('.')[3])))} {{{id}}}"
            for id in card.facts
            if id.startswith((f"{at}.dropped.", f"{at}.edits."))
        ]
        more = [f"{key} {{{at}.{key}}}" for key in ("edited", "added") if card.facts.value(f"{at}.{key}")]
        rows.append([f"{{{at}.tool}}", ", ".join([*why, *more]) or "nothing", f"{{{at}.before}}", f"{{{at}.after}}"])
    page.table(["step", "rows dropped or changed, by reason", "before", "after"], rows, right=2)


def _unchecked(page: _Page, card: Card) -> None:
    page.add("## What was not checked")
    done = {card.facts.value(f"{kind}.{i}.tool") for kind in ("step", "report") for i in _numbers(card.facts, kind)}
    chat = CHAT_CHECKS if card.format not in ("csv", "text") and "turns.p50" in card.facts else {}
    missing = [what for what, tools in {**CHECKS, **chat}.items() if not done.intersection(tools)]
    page.add(*(f"- {what}" for what in (*missing, *ALWAYS_UNCHECKED)))
    notes = _numbers(card.facts, "note")
    if notes:
        page.add("Said at export:")
        page.add(*(f"- {{note.{i}}}" for i in notes))


def _reproduce(page: _Page, card: Card) -> None:
    page.add("## How to make it again")
    commands = [f"- {{import.{i}.command}}" for i in _numbers(card.facts, "import")]
    commands += [f"- {{step.{i}.command}}" for i in _numbers(card.facts, "step")]
    page.add(*commands, "- {command.export}")
    page.add("With tilth {tilth.version} the same files and commands give the same bytes; see `provenance.jsonl`.")


def _numbers(facts: Facts, prefix: str) -> list[int]:
    """The numbers n for which there are facts `prefix.n.…`, ascending."""
    found = {id.removeprefix(f"{prefix}.").split(".")[0] for id in facts if id.startswith(f"{prefix}.")}
    return sorted(int(one) for one in found if one.isdigit())
