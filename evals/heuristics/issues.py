"""Defects by rules of thumb: what is nearly sure, or `loose`, everything that is a little odd.

It knows common kinds of dirt, no generator and no truth; what may not guide a rule is `tilth.evals.issues.plant.HELD_OUT`.
"""

from __future__ import annotations

import json
import re
import statistics
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from ..planted.draw import words
from .sheets import Findings, Sheet, like, like_json, read_sheet

MOST: Final = 50


def _repeated(values: Iterable[Any]) -> list[int]:
    """Positions of values that occur twice or more."""
    listed = list(values)
    counts = Counter(listed)
    return [i for i, value in enumerate(listed) if counts[value] > 1]


# --- Cells ---

STAND_INS: Final = re.compile(
    r"(?i)n/?a|null|none|unknown|tbd|\?+|-+|-9{2,}(\.0+)?|-1(\.0+)?|9{4,}|1970-01-01.*|1900-01-01.*"
)
PATTERNS: Final = {
    "Letters damaged by a wrong encoding.": re.compile("Ã[^\\sa-z]|Â[^\\sa-z]|â€|\ufffd"),
    "Remains of markup.": re.compile(r"</?(p|br|div|span|a|li|ul|td|tr|b|i)\b[^>]*>|&(nbsp|amp|quot|lt|gt);"),
    "Invisible characters.": re.compile("[\u200b-\u200f\u2060\ufeff]"),
    "A private address or number.": re.compile(r"[\w.]+@(?!example\.)[\w-]+\.\w{2,}|\+\d[\d ]{8,}|\d{3}-\d{2}-\d{4}"),
    "Text that gives orders to its reader.": re.compile(
        r"(?i)(ignore|disregard) (all |any )?(previous|prior|above)|^system:"
    ),
    "Advertising.": re.compile(r"(?i)best price|limited offer|buy now|click here|order (now|today)|\bfree!"),
    "A refusal.": re.compile(
        r"(?i)as an ai\b|i('m| am) (unable|not able)|i (cannot|can't) (help|assist)|language model"
    ),
}


def odd_cells(sheet: Sheet) -> Findings:
    for name, cells in sheet.data.items():
        filled = sum(bool(cell.strip()) for cell in cells)
        if sheet.loose or filled >= 0.88 * len(cells):
            yield from sheet.cells("Empty.", name, lambda cell: cell == "")
            yield from sheet.cells("Blank.", name, lambda cell: cell and not cell.strip())
        stand_ins = Counter(cell for cell in cells if STAND_INS.fullmatch(cell))
        for value in stand_ins:
            yield from sheet.cells(f"{value} stands for a missing value.", name, value.__eq__)
        for why, pattern in PATTERNS.items():
            yield from sheet.cells(why, name, pattern.search)


def numbers(sheet: Sheet) -> Findings:
    """Off the scale (Tukey's fences, 6 interquartile ranges), and decimal commas."""
    for name, cells in sheet.data.items():
        values = {i: float(cell) for i, cell in enumerate(cells) if re.fullmatch(r"-?\d+(\.\d+)?", cell)}
        if len(values) < 0.8 * len(cells):
            continue
        low, _, high = statistics.quantiles(values.values(), n=4)
        reach = (high - low) * (1.0 if sheet.loose else 6.0)
        far = [i for i, value in values.items() if not low - reach <= value <= high + reach]
        yield from sheet.found("Off the scale.", far, unit="cell", column=name)
        yield from sheet.cells("A decimal comma.", name, re.compile(r"-?\d+,\d+").fullmatch)


def dates_and_json(sheet: Sheet) -> Findings:
    for name, cells in sheet.data.items():
        if like(cells, r"\d{4}-\d\d-\d\d.*"):
            yield from sheet.cells(
                "A date in another style.", name, lambda c: c.strip() and not re.match(r"\d{4}-\d\d-\d\d", c)
            )
        if like_json(cells):
            yield from sheet.cells("No valid JSON.", name, lambda cell: not _is_json(cell))


def _is_json(cell: str) -> bool:
    try:
        json.loads(cell)
    except ValueError:
        return False
    return True


def spellings(sheet: Sheet) -> Findings:
    """A rare value that is a frequent one but for case, spaces and points."""
    for name, cells in sheet.few().items():
        forms: defaultdict[str, Counter[str]] = defaultdict(Counter)
        for cell in cells:
            forms[cell.strip(" .").lower()][cell] += 1
        usual = {form: counts.most_common(1)[0][0] for form, counts in forms.items()}
        odd = [i for i, cell in enumerate(cells) if cell.strip() and cell != usual[cell.strip(" .").lower()]]
        yield from sheet.found("Another spelling.", odd, unit="cell", column=name)


# --- Prose ---

ENGLISH: Final = frozenset(words("the|a|and|of|to|in|is|it|for|was|with|that|i|my|you|at|on|not|has|have|no"))


def prose(sheet: Sheet) -> Findings:
    for name, cells in sheet.prose().items():
        ends = [bool(re.search(r"[.!?\")>…]\s*$", cell)) for cell in cells]
        if sum(ends) > 0.8 * len(ends):
            stumps = [i for i, end in enumerate(ends) if not end and len(cells[i]) > 20]
            yield from sheet.found("The text stops in the middle.", stumps, unit="cell", column=name)
        foreign = [i for i, cell in enumerate(cells) if len(w := _words(cell)) > 6 and not ENGLISH.intersection(w)]
        foreign = [i for i in foreign if re.search("[aeiou]", cells[i])]
        yield from sheet.found("Another language.", foreign, unit="cell", column=name)
        where: defaultdict[str, set[int]] = defaultdict(set)
        for i, cell in enumerate(cells):
            for sentence in re.split(r"(?<=[.!?])\s+", cell):
                where[sentence].add(i)
        shared = {
            sentence: rows for sentence, rows in where.items() if len(sentence.split()) >= (4 if sheet.loose else 7)
        }
        usual = sorted(map(len, shared.values()))[-6:][0] if shared else 0  # texts may repeat themselves by nature
        for sentence, rows in sorted(shared.items()):
            if len(rows) >= 4 and (sheet.loose or len(rows) > 2 * usual) and len({cells[i] for i in rows}) > 3:
                yield from sheet.found(
                    f"The same sentence in many: {sentence[:40]}", sorted(rows), unit="cell", column=name
                )


def _words(text: str) -> list[str]:
    return re.findall(r"[^\W_]+", text.lower())


def copies(sheet: Sheet) -> Findings:
    """Records that agree in all but their ids; texts that agree but for case, order and punctuation."""
    apart = set(sheet.unique())
    rest = [cells for name, cells in sheet.data.items() if name not in apart]
    long = list(sheet.prose().values())
    whole = _repeated(zip(*(long or rest), strict=True))
    yield from sheet.found("The same record more than once.", whole)
    if long:
        bags = [" ".join(sorted(_words(" ".join(texts)))) for texts in zip(*long, strict=True)]
        alike = [i for i in _repeated(bags) if bags[i] and i not in set(whole)]
        yield from sheet.found("Nearly the same record more than once.", alike)
    for name in sheet.unique():
        yield from sheet.found(f"{name} names two records.", _repeated(sheet.data[name]), column=name, most=0.15)


def pairs(sheet: Sheet) -> Findings:
    """Prompts echoed, and pairs without a difference."""
    data = sheet.data
    answer = next((name for name in ("response", "chosen", "completion", "output") if name in data), None)
    if answer is None:
        return
    both = list(zip(data.get("prompt", data[answer]), data[answer], strict=True))
    if "prompt" in data:
        yield from sheet.found(
            "The prompt is its own answer.", (i for i, (p, a) in enumerate(both) if p.strip() == a.strip())
        )
    if "rejected" in data and answer == "chosen":
        same = [
            i for i, (c, r) in enumerate(zip(data["chosen"], data["rejected"], strict=True)) if c == r and c.strip()
        ]
        yield from sheet.found("Chosen and rejected are the same.", same)


# --- Columns against each other ---


def dependencies(sheet: Sheet) -> Findings:
    """What one column nearly always says of another, it says wrongly in a few rows."""
    few = sheet.few()
    for key, keys in few.items():
        for told, values in few.items():
            counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
            for k, v in zip(keys, values, strict=True):
                if k.strip() and v.strip():
                    counts[k][v] += 1
            agreeing = sum(c.most_common(1)[0][1] for c in counts.values())
            by_chance = Counter(values).most_common(1)[0][1]
            filled = sum(c.total() for c in counts.values())
            if key == told or agreeing < (0.85 if sheet.loose else 0.96) * filled or by_chance > 0.8 * filled:
                continue
            usual = {k: c.most_common(1)[0][0] for k, c in counts.items()}
            odd = [i for i, (k, v) in enumerate(zip(keys, values, strict=True)) if v.strip() and usual.get(k, v) != v]
            yield from sheet.found(f"{key} {told}: not as elsewhere.", odd)


def day_order(sheet: Sheet) -> Findings:
    """Of two columns of days one nearly always comes first."""
    days = {n: c for n, c in sheet.data.items() if sum(bool(re.match(r"\d{4}-\d\d-\d\d", x)) for x in c) > 0.8 * len(c)}
    for first, firsts in days.items():
        for second, seconds in days.items():
            both = list(zip(firsts, seconds, strict=True))
            late = [i for i, (a, b) in enumerate(both) if re.match(r"\d{4}-", a) and re.match(r"\d{4}-", b) and a > b]
            if first != second and 0 < len(late) < 0.12 * len(both):
                yield from sheet.found(f"{second} before {first}.", late)


def splits(sheet: Sheet) -> Findings:
    """Texts and people of the training split in the test split; columns that are the label."""
    data = sheet.data
    if "split" in data:
        split = data["split"]
        shared = {"user_id": list(data.get("user_id", ()))}
        shared |= {name: [" ".join(sorted(_words(cell))) for cell in cells] for name, cells in sheet.prose().items()}
        for name, values in shared.items():
            train = {value for value, where in zip(values, split, strict=False) if where == "train" and value}
            leaked = [i for i, value in enumerate(values) if split[i] == "test" and value in train]
            if len(train) > 5:
                yield from sheet.found(f"{name} is in both splits.", leaked, most=0.12)
    if "label" in data:
        for name, cells in sheet.few().items():
            best: defaultdict[str, Counter[str]] = defaultdict(Counter)
            for cell, label in zip(cells, data["label"], strict=True):
                best[cell][label] += 1
            purity = sum(c.most_common(1)[0][1] for c in best.values()) / len(cells)
            if name != "label" and purity > (0.6 if sheet.loose else 0.85):
                yield {"file": sheet.file, "unit": "column", "column": name, "why": f"{name} tells the label."}


RULES: Final = (
    copies, odd_cells, numbers, dates_and_json, spellings, prose, pairs, dependencies, day_order, splits,
)  # fmt: skip
"""Rules over one file, the surest first; the other two are `references` and `card`."""


def references(sheets: Sequence[Sheet]) -> Findings:
    """Ids that the file they point to does not have."""
    for sheet in sheets:
        for other in sheets:
            for name in set(other.unique()) & set(sheet.data) - set(sheet.unique()):
                known = set(other.data[name])
                lost = [i for i, cell in enumerate(sheet.data[name]) if cell.strip() and cell not in known]
                yield from sheet.found(f"{name} is not in {other.file}.", lost, unit="cross-table", column=name)


def card(sheets: Sequence[Sheet], told: Mapping[str, str], needed: Sequence[str]) -> Findings:
    """What can be counted."""
    wrong = [name for name in needed if name not in told]
    for sheet in sheets:
        said = told.get(f"columns of {sheet.file}", "")
        if said and set(said.split(", ")) != set(sheet.columns):
            wrong.append(f"columns of {sheet.file}")
        if told.get(f"rows of {sheet.file}", str(len(sheet.keys))) != str(len(sheet.keys)):
            wrong.append(f"rows of {sheet.file}")
        if "split" in sheet.data and "splits" in told:
            numbers_said = dict(part.rsplit(" ", 1) for part in told["splits"].split(", "))
            if any(str(sheet.data["split"].count(name)) != number for name, number in numbers_said.items()):
                wrong.append("splits")
        if "label" in sheet.data and "labels" in told:
            usual = {label for label, n in Counter(sheet.data["label"]).items() if n > len(sheet.keys) / 20}
            if not usual <= set(told["labels"].split(", ")):
                wrong.append("labels")
        english = [bool(ENGLISH.intersection(_words(cell))) for cells in sheet.prose().values() for cell in cells]
        if english and sum(english) > 0.8 * len(english) and told.get("language", "English") != "English":
            wrong.append("language")
    for name in dict.fromkeys(wrong):
        yield {"file": "card.md", "unit": "doc", "field": name, "why": "The files say otherwise, or it is missing."}


def inspect(folder: Path, task: str, *, loose: bool = False) -> list[dict[str, Any]]:
    """All findings over the files of a folder, each place once."""
    sheets = [read_sheet(path, loose=loose) for path in sorted(folder.iterdir()) if path.suffix in (".csv", ".jsonl")]
    told: dict[str, str] = {}
    if (folder / "card.md").is_file():
        lines = (folder / "card.md").read_text(encoding="utf-8").split("\n")
        told = dict(line[2:].partition(": ")[::2] for line in lines if line.startswith("- "))
    required = re.search(r"must have the fields ([\w, ]+)\.", task)
    sheets = [sheet for sheet in sheets if sheet.columns]
    made = [*card(sheets, told, required[1].split(", ") if required else ()), *references(sheets)]
    for sheet in sheets:
        for rule in RULES:
            made += rule(sheet)
    seen: set[tuple[Any, ...]] = set()
    kept = []
    for one in made:
        place = (
            one["file"],
            one["unit"] in ("row", "cell"),
            tuple(one.get("rows", ())) or one.get("column", one.get("field")),
        )
        if place not in seen:
            seen.add(place)
            kept.append(one)
    return kept[:MOST]


def submission(folder: Path, task: str, *, loose: bool = False) -> dict[str, Any]:
    return {"findings": inspect(folder, task, loose=loose)}
