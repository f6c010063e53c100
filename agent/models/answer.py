"""One answer of a model as plain values, and the counts of a run.

An outcome is what the model did, never what the network did: a request that was not answered has no outcome.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, TypedDict

Outcome = Literal["ok", "refused", "length", "unparsable", "rejected"]
"""`refused`: by the model or its filter; `length`: cut at max_tokens; `unparsable`: against the schema also after a
repair; `rejected`: the server calls the request itself bad (400, 413, 422)."""


class Tokens(TypedDict):
    """As the server counts them."""

    input: int
    output: int


class Answer(TypedDict):
    """`data` is the validated value where a schema was given; `prompt_logprobs` has {token, logprob} for every token of
    the prompt as the server's template writes it, where that was asked for and given (vLLM); `calls` are the keys in
    calls.sqlite, repairs last; `salvaged` says what had to be cut away to find the JSON; `problem` says what was wrong,
    for people."""

    model: str
    outcome: Outcome
    text: str
    data: dict[str, Any] | None
    tool_calls: list[dict[str, Any]]
    logprobs: list[dict[str, Any]]
    prompt_logprobs: list[dict[str, Any]]
    tokens: Tokens
    calls: list[str]
    cached: bool
    repaired: bool
    salvaged: str
    problem: str


@dataclass
class Tally:
    """What happened in a run, so that nothing happens silently. `sent` counts requests, `answered` complete answers."""

    sent: int = 0
    answered: int = 0
    cached: int = 0
    retries: int = 0
    repairs: int = 0
    salvaged: int = 0
    lost: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    usd: float = 0.0

    def line(self) -> str:
        """What did not go smoothly, for people; empty when all did."""
        counts = [
            (self.repairs, "asked for again in the right form"),
            (self.salvaged, "cut out of the text around them"),
            (self.retries, "requested again after a fault"),
            (self.lost, "lost on the way, and may have been paid"),
        ]
        told = [f"{count:,} {what}" for count, what in counts if count]
        return f"of {self.answered + self.cached + self.lost:,} answers: {', '.join(told)}" if told else ""
