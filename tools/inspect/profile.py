"""`inspect.profile`: what is in a version and what is wrong with it.

It knows the order of work: measure, read the columns, tell. What is measured is known in `measures`, what is
bad news in `_findings` and `_column_findings`, and how it looks in the faces.
"""

from __future__ import annotations

from typing import Annotated

from ..change import Report
from ..context import Context
from ..store.rows import Rows
from ..tool import Arg, TextField, tool
from ._column_findings import Relations, column_findings
from ._details import details
from ._facts import NEAR_THRESHOLD, facts_of
from ._findings import ranked, text_findings
from ._measured import SAMPLED_LANGUAGES, measure


@tool("inspect.profile", version=1, effect="reads")
def profile(
    ctx: Context,
    data: Rows,
    *,
    field: TextField = "default",
    sampled_languages: Annotated[
        int, Arg("rows whose language is identified, chosen by a hash of their text; 0: none", minimum=0)
    ] = SAMPLED_LANGUAGES,
    near: Annotated[bool, Arg("look for near-duplicates too (8 bytes of memory a word)")] = True,
    near_threshold: Annotated[
        float, Arg("least Jaccard similarity of near-duplicates", minimum=0.1, maximum=1)
    ] = NEAR_THRESHOLD,
) -> Report:
    """Say what a dataset holds and what is wrong with it, each finding with its count and the command that
    acts on it.

    Changes nothing. One pass over the rows counts everything but languages (a second look at
    `sampled_languages` rows) and near-duplicates (a second pass). What was not examined is listed as not
    checked, never as clean.

    Every format: keys of the records with their kinds, missing and distinct values; exact copies; texts and
    records that two splits or sources share; what clean.unicode would repair. Chats and instructions: lengths
    by role, turns, languages, near-duplicates, what filter.chat and filter.rules would drop (by their own
    tests and default thresholds), refusals and cut-off answers (never dropped), system prompts, phrases that
    answers open or close with (five words, in 2 % of the answers), prompts with several answers. Preference
    data: the longer side, identical, missing and contradictory sides, scores that contradict the choice.
    Tables: quantiles and histograms, values that do not fit their column, units and date formats,
    placeholders, spellings, shapes, constant and identifying columns, candidate keys of one or two columns,
    correlations (Pearson, .95), and approximate functional dependencies with the values that break them.

    Finding codes: those of clean.unicode, filter.chat and filter.rules by their own names; `duplicates.*`,
    `splits.share_*`, `sources.share_*`, `prompts.several_answers`, `system.shared`, `answers.same_*`,
    `languages.several`, `text.blank`, `preference.*`, `labels.*`, `columns.*`.

    Methods. Quantiles: nearest rank. Languages: fastText lid.176.ftz (Joulin et al. 2016), under one half
    `und`. Near-duplicates: exact Jaccard of sets of 5-word runs, as dedup.near. Distinct values and frequent
    phrases: exact up to 50,000 different ones a column, then K minimum values (Bar-Yossef et al. 2002) and
    frequent items (Misra and Gries 1982). Dependencies: the share of rows that agree with their group's
    majority (1 - g3 of Kivinen and Mannila 1995), at least .9 and .81 of what the most common value leaves
    unexplained; a value is named when over 66 % of a group of 3 rows or more say otherwise. Beyond 65,536
    rows dependencies, examples and columns of more than 50,000 different values speak of a sample of the
    rows, and say so.
    """
    measured = measure(
        data,
        field=field,
        seed=ctx.seed,
        sampled_languages=sampled_languages,
        near_threshold=near_threshold if near else None,
        threads=ctx.threads,
        progress=ctx.progress,
    )
    readings = measured.table.readings()
    relations = Relations(measured, readings)
    findings = ranked([*text_findings(measured), *column_findings(measured, readings, relations)])
    facts = facts_of(measured, readings)
    return Report(findings, facts, details(data, measured, readings, relations, findings))
