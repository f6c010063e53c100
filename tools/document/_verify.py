"""Is everything an exported card says still true? All of it is computed or compared again, offline.

It knows the files of an export. It needs no workspace.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any

from ..errors import BadInput, Misuse
from ..store.export.folder import MANIFEST, README, changed_files, is_damaged, read_manifest
from . import _lineage, _measured
from ._facts import CardFact, Facts
from ._render import BEGIN, END, Card, Line, render


@dataclass(frozen=True)
class Drift:
    """Something that is no longer as it was said: a fact id, or `file:` and a path."""

    fact: str
    said: Any
    found: Any

    def __str__(self) -> str:
        return f"{self.fact}: said {self.said}, found {self.found}"


@dataclass(frozen=True)
class Verified:
    """How many facts were computed again from the data files, how many compared with provenance.jsonl, what
    drifted."""

    checked_from_export: int
    checked_from_ledger: int
    drifted: tuple[Drift, ...]

    @property
    def holds(self) -> bool:
        return not self.drifted


def verify_card(folder: Path) -> Verified:
    """Check an exported folder. Raises Misuse when it is none, BadInput when its manifest is damaged."""
    manifest = read_manifest(folder)
    if is_damaged(folder):
        next_step = "Fetch the export again, or write it anew with 'tilth export'."
        raise BadInput(f"{folder / MANIFEST} is damaged: nothing in the folder can be checked.", next_step=next_step)
    if manifest is None:
        next_step = f"'tilth export' writes them; {MANIFEST} must lie in the folder itself."
        raise Misuse(f"{folder} is no export of tilth.", next_step=next_step)
    drifted = [Drift(f"file:{path}", said, found) for path, said, found in changed_files(folder, manifest)]
    try:
        said = Facts.from_json(manifest["facts"])
        found = list(_found(folder, manifest))
        drifted += _compared(said, [fact for fact in found if isinstance(fact, CardFact)])
        drifted += [fault for fault in found if isinstance(fault, Drift)]
        drifted += _readme(folder, manifest)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        drifted.append(Drift(f"file:{MANIFEST}", "a manifest of tilth", f"{type(error).__name__}: {error}"))
        return Verified(0, 0, _once(drifted))
    checks = [fact.check for fact in said.values()]
    return Verified(checks.count("export"), checks.count("ledger"), _once(drifted))


def _once(drifted: Sequence[Drift]) -> tuple[Drift, ...]:
    return tuple({(one.fact, str(one.said), str(one.found)): one for one in drifted}.values())


def _found(folder: Path, manifest: Mapping[str, Any]) -> Iterator[CardFact | Drift]:
    """Every fact as it is now; a Drift where a file cannot be read."""
    try:
        yield from _measured.measured(folder, manifest)
    except _measured.Damaged as damage:
        yield Drift(f"file:{damage.place}", "a file that can be read", damage.why)
    try:
        lines = _lineage.load((folder / _lineage.PROVENANCE).read_bytes())
        yield from _lineage.recorded(manifest["dataset"], lines)
    except (OSError, ValueError, KeyError, TypeError) as error:
        yield Drift(f"file:{_lineage.PROVENANCE}", "a file that can be read", f"{type(error).__name__}: {error}")


def _compared(said: Facts, found: Sequence[CardFact]) -> Iterator[Drift]:
    now = {fact.id: fact for fact in found}
    reached = {fact.check for fact in found}
    for id, fact in said.items():
        if id in now and now[id] != fact:
            same_value = now[id].value == fact.value
            yield Drift(id, fact if same_value else fact.value, now[id] if same_value else now[id].value)
        elif id not in now and fact.check in reached:
            yield Drift(id, fact.value, "nothing")
    for id, fact in now.items():
        if id not in said:
            yield Drift(id, "nothing", fact.value)


def _readme(folder: Path, manifest: Mapping[str, Any]) -> Iterator[Drift]:
    """Lines of README.md, outside what people wrote, that are not as the facts render them."""
    try:
        written = (folder / README).read_text(encoding="utf-8").removesuffix("\n").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        yield Drift(f"file:{README}", "the card", f"{type(error).__name__}: {error}")
        return
    card = Card.of(manifest, {})
    expected = _without_answers(render(card))
    have = [line.text for line in _without_answers([Line(text) for text in written])]
    match = SequenceMatcher(None, [line.text for line in expected], have, autojunk=False)
    for kind, a, b, c, d in match.get_opcodes():
        if kind != "equal":
            yield from _differing(card.facts, expected[a:b], have[c:d])


def _without_answers(lines: Sequence[Line]) -> list[Line]:
    """The lines without what stands between a BEGIN and the next END."""
    kept: list[Line] = []
    begin = BEGIN.split("{}")[0]
    inside = False
    for line in lines:
        if not inside or line.text == END:
            kept.append(line)
            inside = False
        inside = inside or line.text.startswith(begin)
    return kept


def _differing(facts: Facts, expected: Sequence[Line], have: Sequence[str]) -> Iterator[Drift]:
    for i, line in enumerate(expected):
        now = have[i] if i < len(have) else "nothing"
        gone = [id for id in line.facts if id in facts and facts.shown(id) not in now]
        for id in gone or line.facts or [f"file:{README}"]:
            yield Drift(id, now, line.text)
    for extra in have[len(expected) :]:
        yield Drift(f"file:{README}", extra, "nothing")
