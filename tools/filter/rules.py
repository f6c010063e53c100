"""`filter.rules`: rows that break a rule of a named profile.

It knows profiles, thresholds and what is stored for each row. What a profile measures and which rules it has
is known in `_profiles`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from ..change import Change, Outcome, drops
from ..context import Context
from ..store.rows import Rows
from ..tool import Arg, tool
from ._profiles import profile_named


@tool("filter.rules", version=1)
def rules(
    ctx: Context,
    data: Rows,
    *,
    profile: Annotated[str, Arg("the set of rules: sft")] = "sft",
    field: Annotated[
        str | None,
        Arg("judge this field; default: the answers, or the text of plain texts and tables", field=True),
    ] = None,
    min_echo: Annotated[
        int,
        Arg("fewest letters and digits of an echo; shorter ones may be greetings", threshold=True, minimum=1),
    ] = 15,
    max_markup: Annotated[
        int, Arg("most chat-template markers in the answers", threshold=True, minimum=0)
    ] = 0,
    max_looped: Annotated[
        float, Arg("largest share of an answer that may be a loop", threshold=True, minimum=0, maximum=1)
    ] = 0.3,
    max_replacement_characters: Annotated[
        int, Arg("most replacement characters (U+FFFD) in the dialogue", threshold=True, minimum=0)
    ] = 0,
) -> Change:
    """Drop rows that break a rule of a profile; `sft`, for chats and instructions, drops broken answers only.

    Answers are the assistant's turns, the completion or output, or the chosen answer (a rejected one is not
    judged); of plain texts and tables, every text. Code, fenced or in backticks, is left out wherever it may
    quote a fault.

    Reasons of `sft`, in order; a row is dropped under the first:
      empty_response          the last answer holds no text, tool call or other part
      echoed_response         the last answer has the words of the question before it, in the same order, and
                              nothing else (case and punctuation aside), at least `min_echo` letters and
                              digits of them; so has one that repeats an instruction without its input
      markup_leak             more than `max_markup` chat-template markers in the answers: the control tokens
                              of ChatML, Llama 2 and 3, Mistral, Gemma, Phi, Zephyr, Command R, DeepSeek and
                              gpt-oss, as in <|im_end|>, <|eot_id|>, [INST], <<SYS>>, </s>, <end_of_turn>, and
                              lines that begin with "### Instruction:", "### Response:" or their like.
                              <s>words</s>, struck-out HTML, is none
      repeated_ngrams         more than `max_looped` of the characters of an answer (20 words or more) lie in
                              loops: 5-word runs that come again at one distance, so that three copies or more
                              stand back to back, first copies counted out. Choruses, lists, tables and code,
                              which repeat with something else between, are no loops; nor are runs without a
                              letter. Text written without spaces is read by character
      replacement_characters  more than `max_replacement_characters` U+FFFD in the dialogue: bytes were lost
                              here

    Measured false drops: 0 of 23,514 rows (GPTeacher codegen, roleplay and toolformer; GSM8K train and test;
    Self-Instruct seed and user-oriented tasks; HumanEval).

    There is no least number of words: "7" and "Yes." are answers.

    Signals of `sft`, for every row: `empty`, `echo` (letters and digits), `markup`, `looped`,
    `duplicate_5grams` (share of the characters in 5-word runs that occurred before: Rae et al. 2021, table
    A1, counted as datatrove does; it is high in songs and code, so it drops nothing),
    `replacement_characters`, `refusal`, `truncation` (an open code fence, or prose that stops inside a
    sentence), `prompt_words`, `response_words`. Refusals and truncations never drop; filter.where can.
    """
    chosen = profile_named(profile)
    limits = {
        "min_echo": min_echo,
        "max_markup": max_markup,
        "max_looped": max_looped,
        "max_replacement_characters": max_replacement_characters,
    }

    def outcomes() -> Iterator[Outcome]:
        for batch in data.batches():
            records = batch.records()
            signals = chosen.measure(data.mapping, field, records)
            hits = chosen.decide(signals, limits)
            decisions = drops(
                [batch.start + row for row, _, _ in hits],
                [reason for _, reason, _ in hits],
                scores=[score for _, _, score in hits],
                evidence=[
                    chosen.evidence(data.mapping, field, records[row], reason) for row, reason, _ in hits
                ],
            )
            yield Outcome(decisions=decisions, signals=signals)
            ctx.progress(batch.start + len(batch), len(data))

    return Change(outcomes())
