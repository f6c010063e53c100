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
    """Say what a dataset holds and what is wrong with it, and name the command that acts on each finding.

    Changes nothing. One pass over the rows counts everything but languages (`sampled_languages` rows are read once
    more) and near-duplicates (a second pass). What was not examined is listed as not checked, never as clean.

    What is told, by format:
      every format      keys of the records, their kinds, missing and distinct values; exact copies; what two splits or
                        sources share; what clean.unicode would repair
      chats, examples   lengths by role, turns, languages, near-duplicates, what filter.chat and filter.rules would drop
                        by their own tests and default thresholds, system prompts, stock phrases, parts that are no text
      preference pairs  the longer side, score margins, pairs that cannot teach
      tables            quantiles and histograms, shapes, units, date formats, candidate keys of one or two columns,
                        correlations (Pearson, .95), approximate functional dependencies

    Findings. Those of clean.unicode, filter.chat and filter.rules bear these tools' own reason codes; `refusal` and
    `truncation` are signals of filter.rules that never drop. Besides:
      duplicates.exact, duplicates.near  rows that repeat a kept one, as dedup.exact and dedup.near count them
      splits.share_texts, _prompts, _records  what a row of one split has in common with another; sources.share_… too
      prompts.several_answers            prompts with different answers
      turns.repeated                     user or assistant say the same (over 40 characters) twice in a conversation
      system.shared                      one system prompt in 5 % of the rows or more
      answers.same_openings, _closings   five words that 2 % of the answers (20 at least) open or close with
      languages.several                  texts in another language than most, each language from .5 % of the rows on
      text.blank                         rows without text in the field
      preference.empty_side, .identical_sides, .prompt_mismatch, .contradictory, .repeated, .score_contradicts
      preference.length_bias             one side is the longer one (by a tenth) in 60 % of the uneven pairs or more
      labels.contradictory, labels.one   one answer under both labels; one label only
      columns.missing, .empty, .constant, .near_constant (99 %), .identifier (another value in every row)
      columns.mixed_types                values that are no number or date where four fifths are
      columns.mixed_dates, .mixed_units  one column, several ways of writing
      columns.placeholders, .variants, .padded  words for a missing value, spellings of one category, outer spaces
      columns.dependency                 values that contradict what another column says in the other rows of its group

    Methods. Quantiles: nearest rank. Languages: fastText lid.176.ftz (Joulin et al. 2016), below one half `und`.
    Distinct and frequent values: exact up to 50,000 different ones, then K minimum values (Bar-Yossef et al. 2002) and
    frequent items (Misra and Gries 1982). Dependencies: the share of rows that agree with their group's majority (1 -
    g3 of Kivinen and Mannila 1995) is .9 or more, and .81 of what the most common value leaves unexplained; a value is
    named when over 66 % of a group of 3 rows or more say otherwise. Beyond 65,536 rows dependencies, examples and
    columns of over 50,000 different values speak of a sample of the rows, and say so.
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
