"""An endpoint's `/v1/embeddings` as the `Embedder` protocol: texts in, unit vectors out.

It knows batches and sight. What vectors are used for is the tools' business.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import openai

from ...tools.errors import BadInput, Misuse, OverBudget
from ..acting.spending import Estimate, Spending
from ..config import Config
from .connections import Connections, endpoint_of, reference
from .loop import in_a_loop

BATCH: Final = 64
"""Texts of one request."""


class EndpointEmbedder:
    """Asks a server for vectors. Nothing is recorded: equal texts are asked for again in a later run."""

    def __init__(self, config: Config, name: str, texts: int, spending: Spending) -> None:
        """Asks for consent to `texts` texts. Raises Misuse, OverBudget, and Refused without consent; nothing was sent
        then."""
        wanted = reference(name, config.endpoints)
        if not wanted.endpoint:
            raise Misuse(f"{name} gives no embeddings.", next_step="Name openai:MODEL@ENDPOINT or vllm:MODEL.")
        self.name, self._config, self._model, self._endpoint = name, config, wanted.model, wanted.endpoint
        endpoint = endpoint_of(wanted.endpoint, config)
        if endpoint.sees != "rows":
            next_step = f'If it may, write may_see = "rows" under [endpoints.{wanted.endpoint}] in tilth.toml.'
            raise Misuse(f"{endpoint.host} may not see rows; nothing was sent.", next_step=next_step)
        calls = -(-texts // BATCH)
        if spending.max_usd is not None:
            next_step = "Cap them with --max-calls."
            raise Misuse(f"--max-usd cannot be kept: embeddings of {name} have no price.", next_step=next_step)
        if spending.max_calls is not None and calls > spending.max_calls:
            message = f"{texts:,} texts need {calls:,} calls, {BATCH} texts each; nothing was sent."
            raise OverBudget(message, next_step=f"Raise --max-calls {spending.max_calls} to go on.")
        told = Estimate(texts, calls, 0, 0, None, None, [endpoint.host], ["text of rows"], endpoint.local,
                        "texts are not counted beforehand")  # fmt: skip
        spending.consent(told)

    def embed(self, texts: Sequence[str]) -> Any:
        """float32 of shape (texts, dimensions), every row of length 1. Raises Misuse, Unavailable, and BadInput for
        vectors of different lengths."""
        found = in_a_loop(lambda _: self._ask(texts), lambda _: None)
        sizes = sorted({len(vector) for vector in found})
        if len(sizes) > 1:
            next_step = "Check which model it serves: all vectors must have one length."
            raise BadInput(f"{self.name} gave vectors of {sizes[0]} and of {sizes[-1]} numbers.", next_step=next_step)
        vectors = np.array(found, np.float32)
        norms = np.linalg.norm(vectors, axis=1, keepdims=True)
        return vectors / np.where(norms > 0, norms, 1)

    async def _ask(self, texts: Sequence[str]) -> list[list[float]]:
        batches = [list(texts[i : i + BATCH]) for i in range(0, len(texts), BATCH)]
        async with Connections(self._config) as connections:
            server = connections.server(self._endpoint)
            try:
                found = await asyncio.gather(*(server.embed(self._model, batch) for batch in batches))
            except openai.APIStatusError as error:
                raise server.told(error) from None
        return [vector for batch in found for vector in batch]
