"""Rows that are like a question whose item was not found otherwise: candidates for a rephrase, judged if there is a panel.

It knows which pairs are put to the panel and what its word makes of them. Without one every candidate stays undecided.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final

from ....prompts import Prompts
from ...context import Context
from ...store.format.wording import pieces_of
from ...store.rows import Rows
from .._benchmark import Benchmark
from .._judge import Alike, Opinion, judged, spans_of
from .._verdicts import CONTAMINATED, Pair, Verdict
from .similar import Near

_NOT_JUDGED: Final = Opinion("undecided", "like the question; not judged")


def pairs_of(
    ctx: Context,
    data: Rows,
    field: str,
    benchmark: Benchmark,
    verdicts: Sequence[Verdict],
    near: Mapping[int, Sequence[Near]],
    *,
    judge: bool,
) -> tuple[list[Pair], dict[str, int]]:
    """Pairs of the items that no row holds for sure, and how many of them were judged what.

    A pair that the panel dismisses is left out. Raises what the panel raises.
    """
    words = benchmark.words
    wanted = [
        (item, one) for item in sorted(near) if verdicts[item] not in CONTAMINATED and words[item] for one in near[item]
    ]
    if not wanted:
        return [], {}
    positions = sorted({one.position for _, one in wanted})
    records = dict(zip(positions, data.records(positions), strict=True))
    names = dict(zip(positions, data.take(positions, ("row_id",))["row_id"].to_pylist(), strict=True))
    pieces = [pieces_of(data.mapping, records[one.position], field)[one.piece] for _, one in wanted]
    alike = [
        Alike(names[one.position].hex(), benchmark.items[item].name, piece.text, benchmark.items[item].question,
              benchmark.fields.code)
        for (item, one), piece in zip(wanted, pieces, strict=True)
    ]  # fmt: skip
    opinions = [_NOT_JUDGED] * len(wanted)
    if judge and ctx.panel is not None:
        opinions = judged(ctx.panel, alike, Prompts(ctx.store.root / "prompts"))
    found = []
    for (item, one), piece, pair, opinion in zip(wanted, pieces, alike, opinions, strict=True):
        if opinion.word == "different":
            continue
        whole = {"path": list(piece.path), "start": 0, "end": len(piece.text), "part": "question",
                 "item_start": 0, "item_end": len(pair.question)}  # fmt: skip
        scores: dict[str, Any] = {"similarity": one.cosine}
        if opinion.models:
            scores["judges"] = list(opinion.models)
        verdict: Verdict = "rephrased" if opinion.word == "same" else "undecided"
        spans = spans_of(opinion, pair, piece.path) or [whole]
        found.append(Pair(one.position, item, verdict, opinion.reason, "question", scores, spans))
    return found, dict(Counter(opinion.word for opinion in opinions)) if judge else {}
