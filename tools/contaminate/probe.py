"""`contaminate.probe`: was a model trained on the items of a benchmark? The model is asked; no corpus is needed.

It knows which questions are put and what is told. Questions are in `_probes.generated` and `_probes.scored`, how answers
are weighed in `_probes.weighed`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final

from ...prompts import Prompts
from ..change import Fact, Finding, Report
from ..context import Context
from ..errors import Misuse
from ..store.rows import Rows
from ..tool import Arg, tool
from ._items import Item
from ._probes.asking import Ask, Reply, replies
from ._probes.generated import cdd, guided, ts_guess
from ._probes.scored import min_k, option_shuffle
from ._probes.weighed import METHODS, Arms, Method, Weighed, together, weigh
from ._registered import FOLDER, open_benchmark

_PROMPTS: Final = {
    "guided": ("contaminate/probe_guided", "contaminate/probe_general"),
    "ts_guess": ("contaminate/probe_option",),
}
_SCORED: Final = ("option_shuffle", "min_k")


@tool("contaminate.probe", version=1, effect="spends")
def probe(
    ctx: Context,
    data: Rows,
    *,
    model: Annotated[str, Arg("the model: openai:MODEL@ENDPOINT or vllm:MODEL")],
    methods: Annotated[list[Method], Arg("what is asked")] = list(METHODS),  # noqa: B006
    items: Annotated[int, Arg("items that are asked about, drawn by the seed", minimum=30, maximum=100_000)] = 50,
    control: Annotated[
        list[str] | None,
        Arg("benchmarks or files of fresh items, written like these, that the model cannot have seen", benchmark=True),
    ] = None,
    paired: Annotated[
        bool, Arg("the control holds a fresh paraphrase of each item, under its id or in its place")
    ] = False,
    samples: Annotated[int, Arg("random answers to each question (cdd)", minimum=5, maximum=200)] = 20,
    alpha: Annotated[
        float, Arg("p at or below which there is evidence", threshold=True, minimum=1e-4, maximum=0.2)
    ] = 0.01,
) -> Report:
    """Ask a model whether it was trained on a benchmark: `tilth do contaminate.probe benchmarks/NAME --model …`.

    The dataset is the benchmark, or any other whose prompts are taken as questions. One verdict comes from each method
    and one from all, about the items together, never about one of them: `evidence`, `no_evidence`, `undecided` (too few
    answers, or nothing to compare with) or `unavailable` (the endpoint or the items lack what it needs).
      guided          continue an item, told of the benchmark and untold; ROUGE-L (Golchin & Surdeanu 2024)
      ts_guess        write a wrong option that is not shown (TS-Guessing, Deng et al. 2024)
      option_shuffle  is the benchmark's order of the options the likeliest of all (Ni et al. 2024)? Of ties one is drawn;
                      exact binomial test against chance, and the control
      cdd             do random answers repeat the likeliest one, within 5 % of the words (Dong et al. 2024)? Told beside
                      it: the share of right answers, and that without such repeats (TED)
      min_k           are the least likely 20 % of the tokens likelier than those of a fresh paraphrase (Shi et al. 2024)?
    All but the first need `control`; min_k needs it `paired`. option_shuffle and min_k need log-probabilities of the
    prompt, which vLLM gives. A difference counts when permutation and bootstrap (9,999 draws each), both one-sided, give
    p <= alpha, over 30 answers or more in each arm; all methods together by Holm's adjustment. What is planned is said
    before anything is asked. A model may have been trained on the items and show nothing here.

    Facts `contaminate.probe.METHOD.…`: difference, low and high (95 % bootstrap), p; answered.
    """
    if ctx.open_model is None:
        raise Misuse("contaminate.probe asks a model, and no endpoint can be opened here.",
                     next_step="Declare one: tilth models add NAME URL")  # fmt: skip
    if paired and not control:
        raise Misuse("--paired says what the control holds, and there is none.", next_step="Name it: --control FILE")
    asked = _asked(ctx, data, control or (), paired, items)
    plans = [_plan(ctx, method, asked, samples) for method in dict.fromkeys(methods)]
    questions = [question for plan in plans for question in plan.questions]
    planned = {plan.method: len(plan.questions) for plan in plans}
    ctx.notice(f"{model}: up to {len(questions):,} calls: "
               + ", ".join(f"{method} {count:,}" for method, count in planned.items()))  # fmt: skip
    found: list[Reply] = []
    if questions:
        found = replies(ctx.open_model, model, questions, lambda done: ctx.progress(done, len(questions), "calls"))
    weighed, at = [], 0
    for plan in plans:
        size = len(plan.questions)
        arms = plan.arms(found[at : at + size], asked.paired)
        weighed.append(weigh(plan.method, arms, alpha=alpha, seed=ctx.rng("weigh", plan.method).getrandbits(32)))
        at += size
    verdict = together(weighed, alpha=alpha)
    prompts = Prompts(ctx.store.root / "prompts")
    return Report(
        findings=list(_findings(weighed, model, asked)),
        facts=list(_facts(weighed, model, asked)),
        details={
            "model": model,
            "benchmark": asked.name,
            "verdict": verdict,
            "items": len(asked.items),
            "of": asked.of,
            "control": list(control or ()),
            "control_items": len(asked.control),
            "paired": asked.paired,
            "alpha": alpha,
            "planned": planned,
            "prompts": {name: prompts.template(name).sha for plan in plans for name in _PROMPTS.get(plan.method, ())},
            "methods": [one.to_json() for one in weighed],
            "tables": [_table(weighed, verdict)],
        },
    )


@dataclass(frozen=True)
class _Asked:
    """The items that are asked about, out of `of`, and the fresh ones beside them; `paired` by name."""

    name: str
    of: int
    items: Sequence[Item]
    control: Sequence[Item]
    paired: bool


def _asked(ctx: Context, data: Rows, control: Sequence[str], paired: bool, count: int) -> _Asked:
    benchmark = open_benchmark(ctx.store, f"{ctx.dataset}@{data.vid}")
    fresh = [item for address in control for item in open_benchmark(ctx.store, address).items]
    items = list(benchmark.items)
    if paired:
        partners = {item.name: item for item in fresh}
        items = [item for item in items if item.name in partners]
        if not items:
            raise Misuse("No item of the control has the id or the place of an item of the benchmark.",
                         next_step="Leave --paired out if they are other items.")  # fmt: skip
    drawn = _drawn(ctx, items, count, "items")
    beside = [partners[item.name] for item in drawn] if paired else _drawn(ctx, fresh, count, "control")
    return _Asked(ctx.dataset.removeprefix(FOLDER), len(benchmark.items), drawn, beside, paired)


def _drawn(ctx: Context, items: Sequence[Item], count: int, arm: str) -> list[Item]:
    if len(items) <= count:
        return list(items)
    return [items[i] for i in sorted(ctx.rng("probe", arm).sample(range(len(items)), count))]


@dataclass(frozen=True)
class _Plan:
    """What one method asks, of the items and of the control, in this order."""

    method: Method
    items: Mapping[str, Ask]
    control: Mapping[str, Ask]
    has_control: bool

    @property
    def questions(self) -> list[Any]:
        return [question for arm in (self.items, self.control) for ask in arm.values() for question in ask.questions]

    def arms(self, found: Sequence[Reply], paired: bool) -> Arms:
        at, scores = 0, []
        for arm in (self.items, self.control):
            told: dict[str, Mapping[str, float] | None] = {}
            for name, ask in arm.items():
                told[name] = ask.score(found[at : at + len(ask.questions)])
                at += len(ask.questions)
            scores.append(told)
        silent = self.method in _SCORED and bool(found) and all(one.logprobs is None for one in found)
        return Arms(scores[0], scores[1] if self.has_control else None, paired, silent)


def _plan(ctx: Context, method: Method, asked: _Asked, samples: int) -> _Plan:
    arms: list[dict[str, Ask]] = []
    for arm, items in (("items", asked.items), ("control", asked.control)):
        if (method == "min_k" and not asked.paired) or (arms and not arms[0]):
            items = ()  # it would come to nothing
        asks = ((item, _ask(ctx, method, item, arm, asked.name, samples)) for item in items)
        # Items of several controls may bear one name; paired ones may not.
        arms.append({item.name if asked.paired else str(i): ask for i, (item, ask) in enumerate(asks) if ask})
    return _Plan(method, arms[0], arms[1], bool(asked.control))


def _ask(ctx: Context, method: Method, item: Item, arm: str, benchmark: str, samples: int) -> Ask | None:
    rng, prompts = ctx.rng("probe", method, arm, item.number), Prompts(ctx.store.root / "prompts")
    match method:
        case "guided":
            return guided(item, rng, prompts, benchmark, untold=arm == "items")
        case "ts_guess":
            return ts_guess(item, rng, prompts, benchmark)
        case "option_shuffle":
            return option_shuffle(item, rng)
        case "cdd":
            return cdd(item, samples)
        case "min_k":
            return min_k(item)


def _findings(weighed: Sequence[Weighed], model: str, asked: _Asked) -> Iterator[Finding]:
    for one in weighed:
        if one.verdict == "evidence":
            yield Finding(
                f"contaminate.probe_{one.method}",
                "warning",
                f"of {asked.name} asked about: {model} knows them better than it should, {one.reason}.",
                one.answered,
                unit="items",
            )


def _facts(weighed: Sequence[Weighed], model: str, asked: _Asked) -> Iterator[Fact]:
    for one in weighed:
        name = f"contaminate.probe.{one.method}"
        method = f"{name} of {model}, {asked.name}, {len(asked.items)} of {asked.of} items"
        yield Fact(f"{name}.answered", one.answered, "items", method, len(asked.items))
        if one.p is not None:
            yield Fact(f"{name}.p", one.p, "probability", f"one-sided; {method}", one.answered)
        for against, contrast in list(one.contrasts.items())[-1:]:
            for bound in ("difference", "low", "high"):
                value = getattr(contrast, bound)
                yield Fact(
                    f"{name}.{bound}", value, "difference of means", f"against {against}; {method}", one.answered
                )


def _table(weighed: Sequence[Weighed], verdict: str) -> dict[str, Any]:
    rows = [
        [one.method, one.verdict, f"{one.answered:,}", f"{one.answered_control:,}", "" if one.p is None else f"{one.p:.2g}",
         one.reason]
        for one in weighed
    ]  # fmt: skip
    rows.append(["together", verdict, "", "", "", ""])
    return {"head": ["method", "verdict", "items", "fresh", "p", "why"], "rows": rows, "numbers": (2, 3, 4)}
