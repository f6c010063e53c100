"""Findings against truth: one to one, by place. It knows submissions and scores; it does not know how defects are made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from ...tools.errors import Misuse, nearest
from ..suite import Score
from .plant import FAMILIES
from .truth import LEAST_OVERLAP, OF_ROWS, Plant, Truth, overlap

MOST_FINDINGS: Final = 50
UNITS: Final = ("row", "cell", "cross-table", "column", "table", "doc")


def schema() -> dict[str, Any]:
    """The JSON schema of a submission."""
    text = {"type": "string"}
    finding = {
        "type": "object",
        "required": ["file", "unit", "why"],
        "additionalProperties": False,
        "properties": {
            "file": text,
            "unit": {"enum": list(UNITS)},
            "rows": {"type": "array", "items": text},
            "column": text,
            "field": text,
            "family": {"enum": groups()},
            "why": text,
        },
    }
    return {
        "type": "object",
        "required": ["findings"],
        "additionalProperties": False,
        "properties": {"findings": {"type": "array", "maxItems": MOST_FINDINGS, "items": finding}},
    }


def groups() -> list[str]:
    """The groups of families in the catalogue's order; what a finding may call itself."""
    return list(dict.fromkeys(family.group for family in FAMILIES.values()))


@dataclass(frozen=True, slots=True)
class Finding:
    file: str
    unit: str
    rows: frozenset[str] = frozenset()
    column: str = ""
    field: str = ""
    family: str = ""


def findings(submission: Mapping[str, Any]) -> list[Finding]:
    """Raises Misuse, naming the finding and the key, when the submission does not fit the schema."""
    told = submission.get("findings")
    if not isinstance(told, Sequence) or isinstance(told, str) or set(submission) != {"findings"}:
        raise Misuse("A submission is an object with one key, findings, which holds a list.")
    if len(told) > MOST_FINDINGS:
        raise Misuse(f"{len(told):,} findings are more than {MOST_FINDINGS}.", next_step="Hand in the surest.")
    return [_finding(number, one) for number, one in enumerate(told)]


def _finding(number: int, told: Any) -> Finding:
    if not isinstance(told, Mapping):
        raise Misuse(f"Finding {number} is not an object.")
    known: dict[str, Any] = schema()["properties"]["findings"]["items"]["properties"]
    for key in told:
        if key not in known:
            raise Misuse(f"Finding {number} has an unknown key {key!r}.", next_step=nearest(str(key), known))
    rows = told.get("rows", [])
    if not isinstance(rows, list) or not all(isinstance(row, str) for row in rows):
        raise Misuse(f"The rows of finding {number} are not a list of row keys.")
    texts = {key: told.get(key, "") for key in known if key != "rows"}
    for key, value in texts.items():
        if not isinstance(value, str) or (not value and key in ("file", "unit", "why")):
            raise Misuse(f"Finding {number} needs a text under {key!r}.")
    for key, valid in (("unit", UNITS), ("family", ("", *groups()))):
        if texts[key] not in valid:
            raise Misuse(f"The {key} of finding {number} is {texts[key]!r}.", next_step=nearest(texts[key], valid))
    unit = texts["unit"]
    needed = "rows" if unit in OF_ROWS else "field" if unit == "doc" else "column"
    if not told.get(needed):
        raise Misuse(f"Finding {number} is of a {unit} and names no {needed}.")
    return Finding(texts["file"], unit, frozenset(rows), texts["column"], texts["field"], texts["family"])


def likeness(finding: Finding, plant: Plant) -> float:
    """How well the places agree: 0 for another place, else LEAST_OVERLAP..1."""
    if finding.file != plant.file:
        return 0.0
    if plant.unit in OF_ROWS:
        other_column = finding.column and plant.columns and finding.column not in plant.columns
        if finding.unit not in OF_ROWS or other_column:
            return 0.0
        best = max(overlap(finding.rows, rows) for rows in plant.rows)
        return best if best >= LEAST_OVERLAP else 0.0
    if plant.unit == "doc":
        return float(finding.unit == "doc" and finding.field == plant.field)
    return float(finding.unit == plant.unit and finding.column in plant.columns)


def assigned(found: Sequence[Finding], plants: Sequence[Plant]) -> list[tuple[int, int]]:
    """(finding, plant) pairs: as many as there can be; of those the best overlap, then the most right families.

    Hungarian method (Kuhn 1955); weights are whole numbers so that the three aims never mix.
    """
    import numpy as np
    from scipy.optimize import linear_sum_assignment

    if not found or not plants:
        return []
    weights = np.zeros((len(found), len(plants)), np.int64)
    for i, finding in enumerate(found):
        for j, plant in enumerate(plants):
            if like := likeness(finding, plant):
                weights[i, j] = 10**9 + round(like * 1000) * 1000 + (finding.family in plant.groups)
    rows, columns = linear_sum_assignment(weights, maximize=True)
    return [(int(i), int(j)) for i, j in zip(rows, columns, strict=True) if weights[i, j]]


def score(truth: Truth, submission: Mapping[str, Any]) -> Score:
    """F1 of findings; None on a clean instance, which is scored for false alarms only. Raises Misuse."""
    found = findings(submission)
    pairs = assigned(found, truth.plants)
    hit, matched = {j for _, j in pairs}, {i for i, _ in pairs}
    wrong = [one for i, one in enumerate(found) if i not in matched and not _natural(one, truth)]
    tp, fp, fn = len(hit), len(wrong), len(truth.plants) - len(hit)
    named = [found[i].family in truth.plants[j].groups for i, j in pairs if found[i].family]
    flagged = sum(any(_covers(one, file, rows) for one in wrong) for _, file, rows in truth.decoys)
    weights: dict[str, tuple[float, float]] = {"decoys_flagged": (flagged, len(truth.decoys))}
    metrics: dict[str, float] = {"false_alarms": fp, "findings": len(found), "decoys_flagged": flagged}
    notes = _notes(truth, hit, wrong)
    if truth.clean:
        return Score(None, metrics, notes=notes, weights=weights | {"false_alarms_when_clean": (fp, 1)})
    weights |= {"f1": (2 * tp, 2 * tp + fp + fn), "precision": (tp, tp + fp), "recall": (tp, tp + fn)}
    for tier in ("rule", "judgement"):
        at = [j for j, plant in enumerate(truth.plants) if plant.family.tier == tier]
        weights[f"recall_{tier}"] = (len(hit.intersection(at)), len(at))
    severities = [plant.severity for plant in truth.plants]
    weights["severity_recall"] = (sum(severities[j] for j in hit), sum(severities))
    weights["family_accuracy"] = (sum(named), len(named))
    shares = {name: part / whole for name, (part, whole) in weights.items() if whole and name != "decoys_flagged"}
    return Score(shares["f1"], metrics | shares, _by_family(truth, hit), notes, weights)


def _by_family(truth: Truth, hit: set[int]) -> dict[str, float]:
    """Recall by the first family of each plant."""
    by: dict[str, list[bool]] = {}
    for j, plant in enumerate(truth.plants):
        by.setdefault(plant.families[0], []).append(j in hit)
    return {name: sum(hits) / len(hits) for name, hits in sorted(by.items())}


def _natural(finding: Finding, truth: Truth) -> bool:
    """Is at least half of it what the data had before anything was planted?"""
    return finding.unit in OF_ROWS and any(_covers(finding, file, rows) for _, file, rows in truth.natural)


def _covers(finding: Finding, file: str, rows: Sequence[str]) -> bool:
    """Do at least half of the finding's rows lie among these?"""
    return finding.file == file and 2 * len(finding.rows.intersection(rows)) >= max(1, len(finding.rows))


def _notes(truth: Truth, hit: set[int], wrong: Sequence[Finding]) -> list[str]:
    notes = [
        f"{'found' if j in hit else 'missed'}: {', '.join(plant.families)} in {plant.file}"
        for j, plant in enumerate(truth.plants)
    ]
    return notes + [f"false alarm: {one.unit} in {one.file}" for one in wrong]
