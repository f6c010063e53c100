"""The profiles for web pages: `gopher@paper`, `gopher@datatrove`, `c4` and `fineweb`.

It knows their rules, in order, with the reason and the published cut of each. What is measured is known in
text/signals/rule_signals.py. A cut is named after its signal: `max_dup_lines` cuts `dup_lines`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import pyarrow as pa

from ...store.format.mapping import Mapping as RecordMapping
from ...text.signals.rule_signals import DUPLICATED, MEASURES, TOP, signals
from . import Profile, Rule

_GOPHER_QUALITY: Final = (
    ("gopher_short_doc", "min_words", 50),
    ("gopher_long_doc", "max_words", 100_000),
    ("gopher_below_avg_threshold", "min_mean_word_length", 3),
    ("gopher_above_avg_threshold", "max_mean_word_length", 10),
    ("gopher_too_many_hashes", "max_hashes_per_word", 0.1),
    ("gopher_too_many_ellipsis", "max_ellipses_per_word", 0.1),
    ("gopher_too_many_bullets", "max_bullet_lines", 0.9),
    ("gopher_too_many_end_ellipsis", "max_ellipsis_lines", 0.3),
    ("gopher_below_alpha_threshold", "min_alpha_words", 0.8),
    ("gopher_enough_stop_words", "min_stop_words", 2),
)
_TOP: Final = zip(TOP, (0.20, 0.18, 0.16), strict=True)
_DUPLICATED: Final = zip(DUPLICATED, (0.15, 0.14, 0.13, 0.12, 0.11, 0.10), strict=True)
_GOPHER_REPETITION: Final = (
    ("dup_para_frac", "max_dup_paragraphs", 0.3),
    ("dup_para_char_frac", "max_dup_paragraph_characters", 0.2),
    ("dup_line_frac", "max_dup_lines", 0.3),
    ("dup_line_char_frac", "max_dup_line_characters", 0.2),
    *((f"top_{n}_gram", f"max_top_{n}_grams", cut) for n, cut in _TOP),
    *((f"duplicated_{n}_n_grams", f"max_dup_{n}_grams", cut) for n, cut in _DUPLICATED),
)
_C4: Final = (("too_few_sentences", "min_sentences", 5),)
_FINEWEB: Final = (
    ("line_punct_ratio", "min_punctuated_lines", 0.12),
    ("short_line_ratio", "max_short_lines", 0.67),
    ("char_dup_ratio", "max_dup_characters", 0.01),
    ("list_ratio", "max_newlines_per_word", 0.3),
)


def _cut(reason: str, cut: str) -> Rule:
    """Drops rows whose signal lies beyond the cut of that name."""
    side, _, signal = cut.partition("_")
    beyond = np.less if side == "min" else np.greater
    return Rule(reason, signal, lambda found, limit: beyond(found[signal], limit[cut]), cut)


def _empty(signal: str) -> Rule:
    return Rule("empty", signal, lambda found, limit: found[signal] == 0)


def _is(signal: str) -> Rule:
    return Rule(signal, signal, lambda found, limit: found[signal])


def _profile(id: str, first: tuple[Rule, ...], cuts: tuple[tuple[str, str, float], ...]) -> Profile:
    def of_texts(texts: pa.Array) -> pa.Table:
        return signals(texts, [MEASURES[id]])[0]

    def of_records(mapping: RecordMapping, field: str | None, records: Sequence[Any]) -> pa.Table:
        read = mapping.reader(field or mapping.default_field)
        return of_texts(pa.array(map(read, records), pa.large_string()))

    rules = (*first, *(_cut(reason, cut) for reason, cut, _ in cuts))
    return Profile(id, of_records, rules, _no_place, {cut: value for _, cut, value in cuts}, of_texts)


def _no_place(mapping: RecordMapping, field: str | None, record: Any, reason: str) -> Mapping[str, Any]:
    """These rules judge the whole text: there is no place to show."""
    return {}


PROFILES: Final = (
    _profile("gopher@paper", (), _GOPHER_QUALITY + _GOPHER_REPETITION),
    _profile("gopher@datatrove", (_empty("characters"),), _GOPHER_REPETITION + _GOPHER_QUALITY),
    _profile("c4", (_is("lorem_ipsum"), _is("curly_bracket")), _C4),
    _profile("fineweb", (_empty("lines"),), _FINEWEB),
)
