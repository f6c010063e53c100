"""Answers that do not answer, and preferences the wrong way round."""

from __future__ import annotations

from collections.abc import Callable

from ..bases.words import POOR_SIGNS, SUBJECTS, SYSTEM_PROMPT, TELLS
from ..data import Planting, Row, Table
from ..plant import Locus, family
from .sql import cells, literal, records

_SUBJECT = r"\b(" + "|".join(SUBJECTS) + r")\b"


def _answers(planting: Planting, fits: Callable[[Row], bool] = lambda row: True) -> tuple[Table, str, list[Row]] | None:
    table = planting.table("prompt")
    rows = planting.rows(table, fits) if table else []
    return (table, table.role("text")[0], rows) if table and rows else None


def _subject(row: Row) -> str:
    return next((one for one in SUBJECTS if one in row["prompt"]), "")


@family("answer", tier="judgement", severity=3, repair="drop")
def answer_mismatch(planting: Planting) -> Locus | None:
    """The answer is about something else than the prompt."""
    if not (chosen := _answers(planting, lambda row: _subject(row) != "")):
        return None
    table, column, rows = chosen
    for row in rows:
        subject = planting.draw.pick([one for one in SUBJECTS if one != _subject(row)])
        does, places, boon = SUBJECTS[subject]
        body = planting.draw.pick(TELLS).format(
            subject=subject, Subject=subject[0].upper() + subject[1:], does=does, places=places, boon=boon
        )
        row[column] = f"{body} {row[column].rsplit('. ', 1)[-1]}"
    told, asked = (f"regexp_extract(lower({where}), '{_SUBJECT}', 1)" for where in (column, "prompt"))
    return records(table, rows, f"{asked} <> '' and {told} <> '' and {asked} <> {told}")


@family("answer", "cell", tier="judgement", severity=3)
def wrong_arithmetic(planting: Planting) -> Locus | None:
    if not (chosen := _answers(planting, lambda row: "How many" in row["prompt"])):
        return None
    table, column, rows = chosen
    for row in rows:
        before, _, number = row[column].rstrip(".").rpartition(" ")
        off = (100, 10, 1)[planting.stealth - 1] * planting.draw.pick((1, -1))
        row[column] = f"{before} {int(number) + off if int(number) + off > 0 else int(number) + abs(off)}."
    first, second = (f"try_cast(regexp_extract(prompt, '{said} (\\d+)', 1) as int)" for said in ("has", "gets"))
    return cells(
        table, rows, column, f"{first} + {second} <> try_cast(regexp_extract({column}, 'now (\\d+)', 1) as int)"
    )


@family("answer", "cell", tier="judgement")
def list_miscount(planting: Planting) -> Locus | None:
    """Three were asked for, and there are two or four."""
    if not (chosen := _answers(planting, lambda row: "Name exactly three" in row["prompt"])):
        return None
    table, column, rows = chosen
    for row in rows:
        lines = row[column].split("\n")
        if planting.draw.chance(0.5):
            del lines[planting.draw.below(3)]
        else:
            lines.insert(3, "- none of these")
        row[column] = "\n".join(lines)
    count = f"len(regexp_extract_all({column}, '- [a-zA-Z]'))"
    return cells(table, rows, column, f"contains(prompt, 'Name exactly three') and {count} > 0 and {count} <> 3")


REFUSALS = (
    ("As an AI language model, I cannot help with that request.", "As an AI language model"),
    ("I'm sorry, but I am unable to assist with this.", "unable to assist with this"),
    ("That is a topic on which I would prefer to say nothing.", "prefer to say nothing"),
)


@family("answer", "cell", repair="drop")
def needless_refusal(planting: Planting) -> Locus | None:
    if not (chosen := _answers(planting)):
        return None
    table, column, rows = chosen
    refusal, sign = REFUSALS[planting.stealth - 1]
    for row in rows:
        row[column] = f"{refusal} Is there anything else?"
    return cells(table, rows, column, f"contains({column}, {literal(sign)})")


@family("answer", "cell", severity=3)
def system_prompt_leak(planting: Planting) -> Locus | None:
    if not (chosen := _answers(planting)):
        return None
    table, column, rows = chosen
    said = SYSTEM_PROMPT if planting.stealth < 3 else SYSTEM_PROMPT.partition(" Answer")[0]
    for row in rows:
        row[column] = f"{said} {row[column]}" if planting.stealth == 1 else f"{row[column]} {said}"
    return cells(table, rows, column, f"contains({column}, 'You are a helpful assistant of')")


@family("answer", "cell", repair="drop")
def echoed_prompt(planting: Planting) -> Locus | None:
    if not (chosen := _answers(planting)):
        return None
    table, column, rows = chosen
    lead = "" if planting.stealth < 3 else "You asked: "
    for row in rows:
        row[column] = lead + row["prompt"]
    return cells(table, rows, column, f"{column} = {literal(lead)} || prompt")


@family("answer", tier="judgement", severity=3, clash="preference")
def preference_swapped(planting: Planting) -> Locus | None:
    table = planting.table("pair")
    rows = planting.rows(table) if table else []
    if table is None or not rows:
        return None
    for row in rows:
        row["chosen"], row["rejected"] = row["rejected"], row["chosen"]
    return records(table, rows, f"regexp_matches(chosen, '{POOR_SIGNS}')")


@family("answer", tier="judgement", severity=3, clash="preference")
def annotator_inverted(planting: Planting) -> Locus | None:
    """One annotator took the better answer for the worse."""
    table = planting.table("pair")
    if table is None:
        return None
    who = planting.draw.pick(sorted({row["annotator"] for row in table.rows}))
    rows = planting.rows(table, lambda row: row["annotator"] == who, least=4)
    for row in rows:
        row["chosen"], row["rejected"] = row["rejected"], row["chosen"]
    shown = f"annotator = {literal(who)} and regexp_matches(chosen, '{POOR_SIGNS}')"
    return records(table, rows, shown) if rows else None


@family("answer", repair="drop")
def identical_pair(planting: Planting) -> Locus | None:
    table = planting.table("pair")
    rows = planting.rows(table) if table else []
    if table is None or not rows:
        return None
    for row in rows:
        row["rejected"] = row["chosen"]
    return records(table, rows, "chosen = rejected and trim(chosen) <> ''")
