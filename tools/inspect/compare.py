"""`inspect.compare`: what is in one dataset and not in another.

It knows which rows both hold, and which words tell the two apart. Lengths, languages and labels are compared by
`measures/drift`; nothing here says which of the two is better.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final

import numpy as np

from ..change import Fact, Finding, Report
from ..context import Context
from ..dedup.exact import field_of
from ..store.rows import Rows
from ..text.tokens import Hashes, blocks, split_unspaced, word_hashes, words
from ..tool import Arg, TextField, tool
from .measures.drift import SAMPLED, Length, Shares, label_shares, language_shares, lengths
from .measures.prototypes import Prototype, prototypes
from .measures.redundancy import NOTHING, keys

PRIOR: Final = 0.1
"""Weight of the prior, as a share of the words of the smaller dataset: so many words drawn from both together."""

SIGNIFICANT: Final = 1.96
_BITS: Final = 21
_SCORED: Final = 200
_WORDS: Final = 15
_EXAMPLES: Final = 5
_PROTOTYPES: Final = 6
_OPENING: Final = 100
_VALUES: Final = 5


@tool("inspect.compare", version=2, effect="reads")
def compare(
    ctx: Context,
    data: Rows,
    *,
    other: Annotated[str, Arg("the dataset to compare with", dataset=True)],
    field: TextField = "default",
) -> Report:
    """Tell what is in a dataset and not in another one: rows, lengths, languages, labels, subjects, words, examples.

    Changes nothing. A is the dataset, B the `other` one ('tilth do inspect.compare A B'); where B has no such field its
    default text is read.

    Rows: a row is in both when the other dataset has a row of the same text (told apart by 64-bit hashes); rows
    without text are counted apart. Lengths are characters. Languages are those of the 2,000 rows of each with the
    smallest ids, labels the columns of up to 100 different short values that both have; the distance of two
    distributions is their total variation, 0 to 1.

    Words that tell A from B: the log-odds ratio with an informative Dirichlet prior, as a z-score (Monroe, Colaresi
    and Quinn 2008); the prior has the word shares of both together and weighs a tenth of the words of the smaller one.
    Listed are up to 15 words on each side of 1.96 or more. Examples: up to 5 rows in one dataset only that hold most
    of its words, by the sum of the z-scores of its 200 first ones over the root of the row's words, each text once;
    they are rows, not centres of clusters.

    Prototypes: up to 2,000 rows with text of each (drawn by seed and row id) are embedded by the built-in embedder
    (`text/space/embedding`: character n-grams, TF-IDF, SVD, fitted on these texts; it has learned no language) and put into
    sqrt(n / 2) clusters, at most 24, by spherical k-means. Listed are up to 6 clusters whose share of A and of B differ
    most, with a z-score of 1.96 or more (two proportions; of 24 equal clusters one reaches it by chance), and the two
    rows of either side that lie nearest to the centre, each text once.

    Findings `compare.only_here` and `compare.only_there`: rows whose text the other lacks, with the examples
    (positions of `only_there` are rows of B, in the details). Facts `compare.both`, `compare.only_here`,
    `compare.only_there`, `compare.no_text` (rows of A but for `only_there`), `compare.language`, `compare.label.NAME`
    (distances).
    """
    others = ctx.rows(other)
    sides = [_Side.of(data, field), _Side.of(others, field_of(others, field))]
    scores = _z_scores(*(side.counts for side in sides))
    contrasts = []
    for number, side in enumerate(sides):
        contrasts.append(_contrast(side, scores if not number else -scores))
        ctx.progress((number + 1) * len(data) // 2, len(data))
    only = [_only(side.keys, sides[1 - number].keys) for number, side in enumerate(sides)]
    shown = [_examples(*each) for each in zip(sides, only, contrasts, strict=True)]
    totals = [int(side.counts.sum()) for side in sides]
    subjects = prototypes(*((side.rows, side.field, side.keys != NOTHING) for side in sides), seed=ctx.seed)
    told = [_words(contrasts[i], contrasts[1 - i], totals[i], totals[1 - i]) for i in (0, 1)]
    spoken, labels = language_shares(others, data), label_shares(others, data)
    details: dict[str, Any] = {
        "other": other,
        "fields": [side.field for side in sides],
        "rows": {"here": len(data), "there": len(others), "only_here": len(only[0]), "only_there": len(only[1]),
                 "both": int((sides[0].keys != NOTHING).sum()) - len(only[0]),
                 "both_there": int((sides[1].keys != NOTHING).sum()) - len(only[1]),
                 "no_text": int((sides[0].keys == NOTHING).sum())},
        "lengths": [_length(one) for one in lengths(others, data)],
        "languages": None if spoken is None else _shares(spoken),
        "labels": [_shares(one) for one in labels],
        "prototypes": [_prototype(one) for one in subjects if abs(one.z) >= SIGNIFICANT][:_PROTOTYPES],
        "words": {"here": told[0], "there": told[1]},
        "examples": {"here": shown[0], "there": shown[1]},
    }  # fmt: skip
    details["tables"] = list(_tables(details))
    return Report(list(_findings(details)), _facts(details, spoken, labels, len(data)), details)


@dataclass(frozen=True)
class _Side:
    """One dataset: the key of every row's text, and how often each word stands there, by the top bits of its hash."""

    rows: Rows
    field: str
    keys: np.ndarray
    counts: np.ndarray

    @staticmethod
    def of(rows: Rows, field: str) -> _Side:
        found, counts = [np.empty(0, np.int64)], np.zeros(1 << _BITS, np.int64)
        for texts in rows.texts(field):
            found.append(keys(texts.to_pylist()))
            for block in blocks(texts):
                counts += np.bincount(_buckets(word_hashes(split_unspaced(words(block)))), minlength=1 << _BITS)
        return _Side(rows, field, np.concatenate(found), counts)


def _buckets(hashes: Hashes) -> np.ndarray:
    """Each word's place in a table of 2^21 counts; a frequent word shares its place with a rare one now and then."""
    mixed = hashes * np.uint64(0xC2B2AE3D27D4EB4F)
    return (mixed >> np.uint64(64 - _BITS)).view(np.int64)


def log_odds(here: Any, there: Any, total_here: int, total_there: int, prior: float) -> Any:
    """z-scores of words with these counts: above 0 for a word that stands more often here.

    Monroe, Colaresi and Quinn 2008: the difference of the log-odds of y + a of both sides over its standard deviation,
    the variance of a side being 1 / (y + a); the prior is a = `prior` words * (share of the word in both together).
    """
    here, there = np.asarray(here, np.float64), np.asarray(there, np.float64)
    total = total_here + total_there
    expected = prior * (here + there) / max(total, 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        odds = [
            np.log((count + expected) / (of + prior - count - expected))
            for count, of in ((here, total_here), (there, total_there))
        ]
        score = (odds[0] - odds[1]) / np.sqrt(1 / (here + expected) + 1 / (there + expected))
    return np.where(np.isfinite(score), score, 0.0)


def _z_scores(here: np.ndarray, there: np.ndarray) -> np.ndarray:
    totals = int(here.sum()), int(there.sum())
    used = np.flatnonzero(here + there)
    scores = np.zeros(len(here))
    scores[used] = log_odds(here[used], there[used], *totals, PRIOR * min(totals))
    return scores


@dataclass(frozen=True)
class _Contrast:
    """What a second reading of one dataset found: counts of the telling words of both sides, a score for each row."""

    counts: Counter[str]
    row_scores: np.ndarray


def _contrast(side: _Side, scores: np.ndarray) -> _Contrast:
    """Read again, for the words themselves: `scores` by bucket, above 0 where this side has more."""
    telling = np.zeros(len(scores), bool)
    for signed in (scores, -scores):
        clear = np.flatnonzero(signed >= SIGNIFICANT)
        telling[clear[np.argsort(-signed[clear], kind="stable")[:_SCORED]]] = True
    own = np.where(telling & (scores > 0), scores, 0.0)
    counts: Counter[str] = Counter()
    row_scores = [np.empty(0)]
    for texts in side.rows.texts(side.field):
        for block in blocks(texts):
            cut = split_unspaced(words(block))
            hashes = word_hashes(cut)
            bucket = _buckets(hashes)
            hits = np.flatnonzero(telling[bucket])
            row = np.searchsorted(cut.first, hits, "right") - 1
            _, first, many = np.unique(hashes[hits], return_index=True, return_counts=True)
            for at, count in zip(hits[first].tolist(), many.tolist(), strict=True):
                counts[cut.text[cut.start[at] : cut.end[at]].tobytes().decode()] += count
            pairs = np.unique(np.stack([row, bucket[hits]], axis=1), axis=0)  # a word counts once a row
            size = np.maximum(np.diff(cut.first), 1)
            row_scores.append(np.bincount(pairs[:, 0], weights=own[pairs[:, 1]], minlength=len(size)) / np.sqrt(size))
    return _Contrast(counts, np.concatenate(row_scores))


def _words(here: _Contrast, there: _Contrast, total_here: int, total_there: int) -> list[dict[str, Any]]:
    """The words that stand here most above expectation, with their counts on both sides."""
    names = sorted(here.counts.keys() | there.counts.keys())
    scores = log_odds([here.counts[name] for name in names], [there.counts[name] for name in names],
                      total_here, total_there, PRIOR * min(total_here, total_there)).tolist()  # fmt: skip
    ranked = sorted(zip(scores, names, strict=True), key=lambda one: (-one[0], one[1]))
    return [
        {"word": name, "z": round(score, 2), "here": here.counts[name], "there": there.counts[name]}
        for score, name in ranked[:_WORDS]
        if score >= SIGNIFICANT
    ]


def _only(mine: np.ndarray, theirs: np.ndarray) -> np.ndarray:
    """Positions of the rows with a text that the other dataset lacks."""
    return np.flatnonzero((mine != NOTHING) & ~np.isin(mine, theirs))


def _examples(side: _Side, only: np.ndarray, contrast: _Contrast) -> list[dict[str, Any]]:
    """Rows of this side alone that hold most of its words, each text once; ties by position."""
    ranked = only[np.argsort(-contrast.row_scores[only].round(9), kind="stable")]
    _, first = np.unique(side.keys[ranked], return_index=True)
    chosen = ranked[np.sort(first)[:_EXAMPLES]]
    reader = side.rows.mapping.reader(side.field)
    records = side.rows.records(chosen) if len(chosen) else []
    return [
        {"position": position, "score": round(float(contrast.row_scores[position]), 2),
         "opening": reader(record)[:_OPENING]}
        for position, record in zip(chosen.tolist(), records, strict=True)
    ]  # fmt: skip


# What is said -------------------------------------------------------------------------------------------------


def _length(one: Length) -> dict[str, Any]:
    there, here = one.quantiles
    return {"field": one.of, "here": here, "there": there}


def _shares(one: Shares) -> dict[str, Any]:
    """A distribution on both sides, the values that differ most first."""
    there, here = one.examined
    values = [{"value": name, "here": new, "there": old} for name, old, new in one.values]
    return {"name": one.of, "examined": {"here": here, "there": there}, "distance": one.distance, "values": values}


def _prototype(one: Prototype) -> dict[str, Any]:
    """A cluster on both sides, with the rows nearest to its centre."""
    shown = [[{"position": position, "opening": text[:_OPENING]} for position, text in side] for side in one.nearest]
    return {
        "z": round(one.z, 2),
        "rows": {"here": one.counts[0], "there": one.counts[1]},
        "sampled": {"here": one.sampled[0], "there": one.sampled[1]},
        "nearest": {"here": shown[0], "there": shown[1]},
    }


def _findings(details: dict[str, Any]) -> Iterator[Finding]:
    rows = details["rows"]
    for side, whole, name in (("only_here", "here", "this dataset"), ("only_there", "there", "the other one")):
        if rows[side]:
            telling = ", ".join(repr(one["word"]) for one in details["words"][whole][:_VALUES])
            message = f"{rows[side] / rows[whole]:.1%} of the rows of {name} have a text that is only there"
            message += f"; words that stand out: {telling}." if telling else "."
            places = tuple(one["position"] for one in details["examples"]["here"]) if whole == "here" else ()
            yield Finding(f"compare.{side}", "note", message, rows[side], rows=tuple(sorted(places)))


def _facts(details: dict[str, Any], spoken: Shares | None, labels: Sequence[Shares], count: int) -> list[Fact]:
    rows, method = details["rows"], f"inspect.compare with {details['other']}, field {details['fields'][0]}"
    facts = [Fact(f"compare.{name}", rows[name], "rows", method, count) for name in ("both", "only_here", "no_text")]
    facts.append(Fact("compare.only_there", rows["only_there"], "rows", method, rows["there"]))
    how = "total variation distance"
    if spoken is not None:
        facts.append(Fact("compare.language", spoken.distance, how, f"{method}, {SAMPLED:,} rows each",
                          spoken.examined[1]))  # fmt: skip
    facts += [Fact(f"compare.label.{one.of}", one.distance, how, method, one.examined[1]) for one in labels]
    return facts


def _tables(details: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The parts of the report that a terminal shows, A before B."""
    rows = details["rows"]
    counts = [["all", rows["here"], rows["there"]], ["only there", rows["only_here"], rows["only_there"]],
              ["in both", rows["both"], rows["both_there"]]]  # fmt: skip
    counts += [[f"characters of {one['field']}, {at}", one["here"].get(at, ""), one["there"].get(at, "")]
               for one in details["lengths"] for at in one["here"] or one["there"]]  # fmt: skip
    lines = [[name, *(f"{value:,}" if value != "" else "" for value in both)] for name, *both in counts]
    yield {"head": ["rows", "here", "other"], "rows": lines, "numbers": [1, 2]}
    for one in [*filter(None, [details["languages"]]), *details["labels"]]:
        yield {
            "head": [one["name"], "here", "other"],
            "rows": [
                [value["value"], *(f"{value[side] / max(one['examined'][side], 1):.1%}" for side in ("here", "there"))]
                for value in one["values"][:_VALUES]
            ],
            "numbers": [1, 2],
        }
    yield {
        "head": ["nearest rows of a cluster", "z", "here", "other"],
        "rows": [line for one in details["prototypes"] for line in _cluster_lines(one)],
        "numbers": [1, 2, 3],
    }
    for side, name in (("here", "here"), ("there", "other")):
        lines = [[word["word"], f"{word['z']:.1f}", f"{word['here']:,}", f"{word['there']:,}"]
                 for word in details["words"][side]]  # fmt: skip
        elsewhere = "other" if side == "here" else "here"
        yield {"head": [f"words of {name}", "z", name, elsewhere], "rows": lines, "numbers": [1, 2, 3]}
        shown = [[f"{one['position']:,}", one["opening"]] for one in details["examples"][side]]
        yield {"head": ["position", f"rows only in {name}"], "rows": shown, "numbers": [0]}


def _cluster_lines(one: dict[str, Any]) -> Iterator[list[str]]:
    """Its shares beside the first row of the side that has more of it; the second row below."""
    shares = [f"{one['rows'][side] / max(one['sampled'][side], 1):.1%}" for side in ("here", "there")]
    numbers = [f"{one['z']:+.1f}", *shares]
    for shown in one["nearest"]["here" if one["z"] > 0 else "there"]:
        yield [" ".join(shown["opening"].split()), *numbers]
        numbers = ["", "", ""]
