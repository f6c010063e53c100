"""From a number to a pool of labelled texts with known faults, two hold-outs, and what a learner makes of them.

`labels`: some annotators mix labels up (label repair). `selection`: copies, texts of another domain and wrong labels, of
which a budget of rows may be kept (budgeted selection). It knows rows; recipes are run elsewhere.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, Protocol

from ...tools.errors import Corrupt
from ..planted.draw import Draw, words
from .naive_bayes import Example, accuracy

Proxy = Literal["labels", "selection"]
PROXIES: Final[tuple[Proxy, ...]] = ("labels", "selection")

OWN: Final = {
    "refund": words("refund | money | back | paid | charge | amount | return | credit | twice | bank | sum | cost"),
    "delivery": words("parcel | courier | late | arrive | box | street | door | track | post | van | ship | wait"),
    "account": words("login | password | email | profile | name | sign | user | reset | lock | page | code | key"),
    "repair": words("broken | screw | noise | part | fix | crack | handle | motor | spare | leak | tool | loose"),
    "order": words("order | cancel | add | basket | size | colour | change | buy | item | stock | pick | list"),
    "visit": words("shop | open | hour | park | visit | town | floor | desk | bus | map | queue | lunch"),
}  # fmt: skip
COMMON: Final = words(
    "hello | please | help | thanks | today | again | since | need | want | still | just | about | week | month | could | would "
    "| know | tell | nothing | thing | time | year | little | first | last | two | three | also | maybe | soon | good | bad"
)
STRANGE: Final = words(
    "glacier | sonnet | quartz | orbit | harpsichord | lichen | monsoon | falcon | treaty | basalt | fresco | comet | delta | "
    "mosaic | tundra | sextant"
)
HELD_OUT: Final = 500
BUDGET: Final = 360
DRAWS: Final = 5
LEAST_GAP: Final = 4.0
"""Oracle and dirty must differ by so many standard errors of a hold-out's accuracy, or recovery means nothing."""
MOST_REDRAWS: Final = 20


@dataclass(frozen=True, slots=True)
class Pool:
    """`rows` as they are shown, `good` the ids of rows without a fault (of copies, the first), `budget` the most rows that
    are trained on. `dirty` and `oracle` are accuracies on the second hold-out, `dirty_first`, `oracle_first` on the first."""

    proxy: Proxy
    rows: Sequence[Mapping[str, str]]
    good: frozenset[str]
    budget: int
    first: Sequence[Example]
    second: Sequence[Example]
    dirty: float
    oracle: float
    dirty_first: float
    oracle_first: float


class Texts(Protocol):
    """Where the texts of a pool and its hold-outs come from. A text is given once."""

    @property
    def labels(self) -> Sequence[str]: ...

    def of(self, draw: Draw, label: str) -> str: ...

    def strange(self, draw: Draw) -> str:
        """A text of another domain."""
        ...


class Generated:
    """Texts of words, none of which a model has read."""

    labels = tuple(OWN)

    def of(self, draw: Draw, label: str) -> str:
        """About two of seven words tell the label, one is another's, the rest are everybody's."""
        other = draw.pick([name for name in OWN if name != label])
        found = [draw.pick(OWN[label])]
        for _ in range(6):
            at = draw.below(100)
            found.append(draw.pick(OWN[label] if at < 14 else OWN[other] if at < 30 else COMMON))
        return " ".join(draw.shuffled(found))

    def strange(self, draw: Draw) -> str:
        return " ".join(draw.pick(STRANGE if draw.chance(0.4) else OWN[draw.pick(self.labels)]) for _ in range(7))


def pool(seed: str, proxy: Proxy, texts: Callable[[Draw], Texts] = lambda draw: Generated()) -> Pool:
    """The same for the same seed. Raises Corrupt when no draw leaves room between dirty and oracle, which would be a bug
    where texts are generated."""
    for redraw in range(MOST_REDRAWS):
        draw = Draw.named(f"{seed}/{redraw}")
        source = texts(draw)
        rows, good = _labelled(draw, source) if proxy == "labels" else _mixed(draw, source)
        rows = _named(draw, rows)
        kept = frozenset(row["id"] for row, fine in zip(rows, good, strict=True) if fine)
        budget = len(rows) if proxy == "labels" else BUDGET
        first, second = ([(source.of(draw, label), label) for label in _labels(source, HELD_OUT)] for _ in range(2))
        shown = draw.shuffled(rows)
        best = [example(row) for row in shown if row["id"] in kept][:budget]
        every = [example(row) for row in shown]
        told = [(learned(every, held_out, budget, seed), accuracy(best, held_out)) for held_out in (first, second)]
        if all(high - low >= LEAST_GAP * error(low) for low, high in told):
            (dirty_first, oracle_first), (dirty, oracle) = told
            return Pool(proxy, shown, kept, budget, first, second, dirty, oracle, dirty_first, oracle_first)
    raise Corrupt(f"No pool for {proxy} leaves room between dirty and oracle (seed {seed!r}).")


def error(share: float) -> float:
    """The standard error of an accuracy on a hold-out."""
    return math.sqrt(share * (1 - share) / HELD_OUT)


def example(row: Mapping[str, Any]) -> Example:
    return str(row.get("text", "")), str(row.get("label", ""))


def drawn(rows: Sequence[Any], budget: int, seed: str) -> Sequence[Any]:
    """At most `budget` of the rows, drawn by a seed and in their order."""
    if len(rows) <= budget:
        return rows
    order = Draw.named(f"budget {seed}")
    return [rows[at] for at in sorted(order.some(range(len(rows)), budget))]


def learned(rows: Sequence[Example], held_out: Sequence[Example], budget: int, seed: str) -> float:
    """The accuracy of a learner that may see `budget` of the rows: the mean over several draws, where there are more."""
    if len(rows) <= budget:
        return accuracy(rows, held_out)
    return math.fsum(accuracy(drawn(rows, budget, f"{seed}/{n}"), held_out) for n in range(DRAWS)) / DRAWS


def _labels(texts: Texts, count: int) -> list[str]:
    """Each label as often as the others."""
    return [texts.labels[at % len(texts.labels)] for at in range(count)]


def _labelled(draw: Draw, texts: Texts) -> tuple[list[dict[str, str]], list[bool]]:
    """Every text is labelled by two of seven annotators, three of whom take each label for another, always the
    same; the others slip now and then."""
    names = draw.some(words("ada | ben | cleo | dan | eve | finn | gus | hal | ines | joe"), 7)
    careless, order = set(names[:3]), draw.shuffled(texts.labels)
    mistaken = dict(zip(order, [*order[1:], order[0]], strict=True))
    rows, good = [], []
    for label in _labels(texts, 240):
        text = texts.of(draw, label)
        for annotator in draw.some(names, 2):
            wrong = draw.chance(0.9 if annotator in careless else 0.04)
            said = mistaken[label] if wrong else label
            rows.append({"text": text, "label": said, "annotator": annotator, "source": "desk"})
            good.append(not wrong)
    return rows, good


def _mixed(draw: Draw, texts: Texts) -> tuple[list[dict[str, str]], list[bool]]:
    """Good rows, copies of few of them, rows of another domain with any label, and wrong labels from one source."""
    rows, good = [], []
    sources = draw.some(words("desk | forum | phone | chat | mail"), 4)
    for label in _labels(texts, 420):
        text = texts.of(draw, label)
        rows.append({"text": text, "label": label, "annotator": "", "source": draw.pick(sources[:3])})
        good.append(True)
    for row in draw.some(rows, 15):
        rows += [dict(row) for _ in range(20)]
        good += [False] * 20
    for _ in range(200):
        strange = texts.strange(draw)
        rows.append({"text": strange, "label": draw.pick(texts.labels), "annotator": "", "source": draw.pick(sources)})
        good.append(False)
    for label in _labels(texts, 300):
        text = texts.of(draw, label)
        wrong = draw.pick([name for name in texts.labels if name != label])
        rows.append({"text": text, "label": wrong, "annotator": "", "source": sources[3]})
        good.append(False)
    return rows, good


def _named(draw: Draw, rows: Sequence[Mapping[str, str]]) -> list[dict[str, str]]:
    """Rows under ids that tell nothing."""
    return [{"id": id, **row} for row, id in zip(rows, draw.keys(), strict=False)]
