"""`filter.rules`: rows that break a rule of a named profile.

It knows profiles, thresholds and what is stored for each row. What a profile measures and which rules it has
is known in `_profiles`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Final

import pyarrow as pa

from ..change import Change, Outcome, drops
from ..context import Context
from ..store.rows import Rows
from ..tool import Arg, tool
from ._profiles import Rule, profile_named
from ._profiles.sft import CUTS as SFT_CUTS

PAGES: Final = ("text", "table")
"""Formats that may hold web pages."""


def _cut(help: str, maximum: float | None = None) -> Arg:
    """A threshold of the web profiles; the number in its help is that of the profile named there."""
    return Arg(help, threshold=True, minimum=0, maximum=maximum)


def _reasons(args: Mapping[str, Any]) -> list[str]:
    return [rule.reason for rule in profile_named(args["profile"]).rules]


@tool("filter.rules", version=1, local=True, reasons=_reasons)
def rules(
    ctx: Context,
    data: Rows,
    *,
    profile: Annotated[str, Arg("the set of rules: sft, gopher@paper, gopher@datatrove, c4, fineweb")] = "sft",
    field: Annotated[
        str | None,
        Arg("judge this field; default: the answers (sft), the text (web profiles and plain texts)", field=True),
    ] = None,
    min_echo: Annotated[
        int,
        Arg("fewest letters and digits of an echo; shorter ones may be greetings", threshold=True, minimum=1),
    ] = 15,
    max_markup: Annotated[int, Arg("most chat-template markers in the answers", threshold=True, minimum=0)] = 0,
    max_looped: Annotated[
        float, Arg("largest share of an answer that may be a loop", threshold=True, minimum=0, maximum=1)
    ] = 0.3,
    max_replacement_characters: Annotated[
        int, Arg("most replacement characters (U+FFFD) in the dialogue", threshold=True, minimum=0)
    ] = 0,
    min_words: Annotated[int | None, _cut("fewest words: gopher 50")] = None,
    max_words: Annotated[int | None, _cut("most words: gopher 100,000")] = None,
    min_mean_word_length: Annotated[float | None, _cut("smallest mean length of the words: gopher 3")] = None,
    max_mean_word_length: Annotated[float | None, _cut("largest mean length of the words: gopher 10")] = None,
    max_hashes_per_word: Annotated[float | None, _cut('most "#" a word: gopher 0.1')] = None,
    max_ellipses_per_word: Annotated[float | None, _cut("most ellipses a word: gopher 0.1")] = None,
    max_bullet_lines: Annotated[
        float | None, _cut("largest share of lines that begin with a bullet: gopher 0.9", 1)
    ] = None,
    max_ellipsis_lines: Annotated[
        float | None, _cut("largest share of lines that end with an ellipsis: gopher 0.3", 1)
    ] = None,
    min_alpha_words: Annotated[float | None, _cut("smallest share of words with a letter: gopher 0.8", 1)] = None,
    min_stop_words: Annotated[int | None, _cut("fewest different stop words: gopher 2")] = None,
    max_dup_paragraphs: Annotated[
        float | None, _cut("largest share of paragraphs that are repeated: gopher 0.3", 1)
    ] = None,
    max_dup_paragraph_characters: Annotated[
        float | None, _cut("largest share of characters in such paragraphs: gopher 0.2", 1)
    ] = None,
    max_dup_lines: Annotated[float | None, _cut("largest share of lines that are repeated: gopher 0.3", 1)] = None,
    max_dup_line_characters: Annotated[
        float | None, _cut("largest share of characters in such lines: gopher 0.2", 1)
    ] = None,
    max_top_2_grams: Annotated[float | None, _cut("largest share of the most frequent 2-gram: gopher 0.2")] = None,
    max_top_3_grams: Annotated[float | None, _cut("largest share of the most frequent 3-gram: gopher 0.18")] = None,
    max_top_4_grams: Annotated[float | None, _cut("largest share of the most frequent 4-gram: gopher 0.16")] = None,
    max_dup_5_grams: Annotated[
        float | None, _cut("largest share of characters in repeated 5-grams: gopher 0.15", 1)
    ] = None,
    max_dup_6_grams: Annotated[
        float | None, _cut("largest share of characters in repeated 6-grams: gopher 0.14", 1)
    ] = None,
    max_dup_7_grams: Annotated[
        float | None, _cut("largest share of characters in repeated 7-grams: gopher 0.13", 1)
    ] = None,
    max_dup_8_grams: Annotated[
        float | None, _cut("largest share of characters in repeated 8-grams: gopher 0.12", 1)
    ] = None,
    max_dup_9_grams: Annotated[
        float | None, _cut("largest share of characters in repeated 9-grams: gopher 0.11", 1)
    ] = None,
    max_dup_10_grams: Annotated[
        float | None, _cut("largest share of characters in repeated 10-grams: gopher 0.1", 1)
    ] = None,
    min_sentences: Annotated[int | None, _cut("fewest sentences left: c4 5")] = None,
    min_punctuated_lines: Annotated[
        float | None, _cut("smallest share of lines that end like a sentence: fineweb 0.12", 1)
    ] = None,
    max_short_lines: Annotated[
        float | None, _cut("largest share of lines of 30 characters or fewer: fineweb 0.67", 1)
    ] = None,
    max_dup_characters: Annotated[
        float | None, _cut("largest share of characters in repeated lines: fineweb 0.01", 1)
    ] = None,
    max_newlines_per_word: Annotated[float | None, _cut("most newlines a word: fineweb 0.3")] = None,
) -> Change:
    """Drop rows that break a rule of a profile: `sft` for chats, `gopher@…`, `c4` or `fineweb` for web pages.

    `sft` drops broken answers only. Answers are the assistant's turns, the completion or output, or the chosen answer
    (a rejected one is not judged); of plain texts and tables, every text. Code, fenced or in backticks, is left out
    wherever it may quote a fault.

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

    The web profiles judge one text a row (`field`, by default the mapping's own), made for English web pages. On chat,
    instruction and preference rows they warn. A threshold left out is the profile's own, and each is named after its
    signal: `max_dup_lines` cuts `dup_lines`. A row is dropped under the first rule it breaks, in this order; the score
    is the signal, the evidence names it and the cut. All signals are stored for every row with the profile's name.

    Reasons of `gopher@datatrove` (datatrove 0.10.1, GopherRepetitionFilter and then GopherQualityFilter):
      empty                                      no character
      dup_para_frac, dup_para_char_frac          over `max_dup_paragraphs`, `max_dup_paragraph_characters`
      dup_line_frac, dup_line_char_frac          over `max_dup_lines`, `max_dup_line_characters`
      top_2_gram to top_4_gram                   over `max_top_2_grams` to `max_top_4_grams`
      duplicated_5_n_grams to _10_n_grams        over `max_dup_5_grams` to `max_dup_10_grams`
      gopher_short_doc, gopher_long_doc          under `min_words`, over `max_words`
      gopher_below_avg_threshold, …_above_…      under `min_mean_word_length`, over `max_mean_word_length`
      gopher_too_many_hashes, …_ellipsis         over `max_hashes_per_word`, `max_ellipses_per_word`
      gopher_too_many_bullets, …_end_ellipsis    over `max_bullet_lines`, `max_ellipsis_lines`
      gopher_below_alpha_threshold               under `min_alpha_words`
      gopher_enough_stop_words                   under `min_stop_words` of the, be, to, of, and, that, have, with
    Formulas and cuts are those of datatrove; the words are our own, cut close to spaCy's English tokens, so that
    punctuation counts as words (which is why `min_alpha_words` drops far more here than under `gopher@paper`).

    Reasons of `gopher@paper` (Rae et al. 2021, arXiv 2112.11446, appendix A.1): the same with the same cuts, quality
    before repetition, without `empty`. What differs from datatrove: words are what stands between whitespace and all
    of them count and have a length (there, words of punctuation only do not, save in shares); stop words count in any
    case; an n-gram's share is that of the characters of its words, each once, among those of all words (there,
    overlapping copies of a top n-gram count again, repeated n-grams lose what the search jumps over, and the whole
    text is the whole), and an n-gram that occurs once is none.

    Reasons of `c4` (Raffel et al. 2020, arXiv 1910.10683; datatrove 0.10.1, C4QualityFilter):
      lorem_ipsum, curly_bracket                 a line that would stay holds "lorem ipsum" or "{"
      too_few_sentences                          under `min_sentences` in the lines that stay: those of three words or
                                                 more, none of them over 1,000 characters, that end in . ? ! " or ' and
                                                 hold neither "javascript" nor a phrase like "privacy policy"
    C4 also takes the other lines out of the text; here only the row is decided, no text is rewritten. The signals
    `unpunctuated_*` are the same for lines whatever they end in, as FineWeb's recipe uses C4's rules. The list of bad
    words is not used.

    Reasons of `fineweb` (Penedo et al. 2024, arXiv 2406.17557; datatrove 0.10.1, FineWebQualityFilter), its own rules
    alone, over lines that are not blank; its recipe runs Gopher's and C4's before:
      empty                                      no line
      line_punct_ratio                           under `min_punctuated_lines`
      short_line_ratio                           over `max_short_lines`
      char_dup_ratio                             over `max_dup_characters`
      list_ratio                                 over `max_newlines_per_word`
    """
    given = {name: value for name, value in locals().items() if name.startswith(("min_", "max_"))}
    chosen = profile_named(profile)
    cuts = chosen.cuts_with(given, SFT_CUTS)
    if chosen.measure_texts is not None and data.mapping.format not in PAGES:
        ctx.notice(
            f"The profile {chosen.id} is made for web pages and these are {data.mapping.format} rows: datatrove's "
            "Gopher rules kept 0 of 400 rows of code and 3 of 400 of GSM8K. --profile sft is made for answers."
        )

    def outcomes() -> Iterator[Outcome]:
        start = 0
        for signals, where in chosen.measured(data, field):
            hits = chosen.decide(signals, cuts)
            decisions = drops(
                [start + row for row, _, _ in hits],
                [rule.reason for _, rule, _ in hits],
                scores=[score for _, _, score in hits],
                evidence=[{**_held_against(rule, cuts), **where(row, rule.reason)} for row, rule, _ in hits],
            )
            signals = signals.append_column("profile", pa.repeat(chosen.id, len(signals)))
            yield Outcome(decisions=decisions, signals=signals)
            start += len(signals)
            ctx.progress(start, len(data))

    return Change(outcomes())


def _held_against(rule: Rule, cuts: Mapping[str, float]) -> dict[str, Any]:
    return {"signal": rule.signal, rule.cut: cuts[rule.cut]} if rule.cut else {}
