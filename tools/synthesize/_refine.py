"""The strategy `refine`: a better response to each seed's instruction; all else of the row stays as it was.

It knows one response of a row. Offline it takes away what is mechanical: a leading "Here is …:" and repeated sentences.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from ..panel import Candidate, Job, Prior, Rejected, Request, Step, Task
from . import _gates
from ._pairs import CRITERIA, spoiler
from ._seeds import Seeds
from ._strategy import Config, Wish, draw, evidence, request, rubric, strategy, text_of

NAME: Final = "refine"
VERSION: Final = 1
BOUNDS: Final = (0.3, 6.0)
"""Length of a rewritten response over that of the old one, in characters."""

_SENTENCE: Final = re.compile(r"[^.!?\n]+[.!?]*[ \t]*\n*|\n+")


class Refinement(Config):
    """The config of `refine`."""


@strategy(NAME, version=VERSION, config=Refinement)
def refine(config: Refinement, seeds: Seeds, wish: Wish) -> Job:
    """Rewrite the response of every row; its instruction and everything else stay as they are.

    One row from each row that has one response. A draft is rejected when it lacks a figure, date, web address or name
    of the old response, or is the old response again. Temperature 0.7. After the refinement operator of EasyDistill
    (Wang et al. 2025, arXiv 2505.20888). Refining good seeds can make a model worse: compare before you replace them.
    """
    return _Refine(config, seeds, wish).job()


class _Refine:
    def __init__(self, config: Refinement, seeds: Seeds, wish: Wish) -> None:
        seeds.need_instructions(NAME)
        self.config, self.seeds, self.wish = config, seeds, wish
        self.asked, self.answers = seeds.texts("prompt"), seeds.texts("response")
        self.usable = [i for i, text in enumerate(self.answers) if text.strip() and seeds.replaced(i, "response", text)]
        self.prompt = wish.prompts.load("synthesize/refine")
        self.evidence = evidence(f"{NAME}@{VERSION}", wish, self.prompt)

    def tasks(self) -> Iterator[Task]:
        for position, row in enumerate(self.usable):
            yield Task(position, {"row": row}, (self.seeds.parent(row),))

    def ask(self, task: Task, prior: Prior) -> Request:
        row = task.data["row"]
        return request(self.prompt, [("instruction", self.asked[row]), ("response", self.answers[row])], self.config)

    def read(self, task: Task, prior: Prior, answer: Mapping[str, Any]) -> Any:
        return text_of(answer)

    def candidate(self, task: Task, prior: Prior) -> Candidate | Rejected:
        return self._made(task.data["row"], prior["response"])

    def offline(self, task: Task) -> Prior | Rejected:
        return {"response": tidied(self.answers[task.data["row"]])}

    def job(self) -> Job:
        controls = [self._made(i, self.answers[i]) for i in draw(self.wish, self.usable)]
        return Job(
            name=NAME,
            tasks=self.tasks,
            steps=(Step("response", self.ask, self.read),),
            candidate=self.candidate,
            rubric=rubric(self.wish, "refine", **{id: CRITERIA[id] for id in ("follows", "correct", "complete")},
                          better="Is the response at least as good as the earlier one in every respect?"),
            gates=[
                _gates.length("response"),
                _gates.unchanged("response", "earlier"),
                _gates.scaffold("response"),
                _gates.answered("response"),
                _gates.ratio("response", "earlier", lambda task: BOUNDS),
                _gates.faithful("response", "earlier"),
            ],
            controls=[one for one in controls if isinstance(one, Candidate)],
            corrupted=spoiler([self.answers[i] for i in self.usable]),
            near_duplicate=None,
            fields=("prompt", "response"),
            offline=self.offline,
        )  # fmt: skip

    def _made(self, row: int, response: str) -> Candidate | Rejected:
        record = self.seeds.replaced(row, "response", response)
        if record is None:
            return Rejected("not_one_text", "The response is not one text.")
        shown = {"instruction": self.asked[row], "earlier": self.answers[row], "response": response}
        return Candidate(record, shown, response, self.evidence)


def tidied(text: str) -> str:
    """The text without a leading "Here is …:" and without sentences that stand in it already."""
    seen: set[str] = set()
    kept = []
    for match in _SENTENCE.finditer(_gates.without_preamble(text)):
        told = " ".join(_gates.words(match[0]))
        if not told or told not in seen or len(told.split()) < 4:
            kept.append(match[0])
        seen.add(told)
    return "".join(kept).strip()
