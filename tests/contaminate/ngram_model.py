"""A language model of word counts: interpolated 6-grams (Witten & Bell 1991) of a corpus file, behind the simulated server.

It knows the corpus and the text it is to go on with. It knows no labels, no benchmark and no probe: that it has seen a
text shows in counts alone.
"""

from __future__ import annotations

import hashlib
import json
import math
import random
import re
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

TOKEN = re.compile(r"\s*\S+")
ORDER = 6
UNSEEN = 50_000
BACK_OFF = 0.15


class NgramModel:
    """Fitted on a file with one JSON object {"text": …} a line."""

    def __init__(self, corpus: Path) -> None:
        self._counts: list[defaultdict[tuple[str, ...], Counter[str]]] = [defaultdict(Counter) for _ in range(ORDER)]
        for line in corpus.read_text(encoding="utf-8").splitlines():
            tokens = [*_begun(json.loads(line)["text"]), "</s>"]
            for i in range(ORDER - 1, len(tokens)):
                for k in range(ORDER):
                    self._counts[k][tuple(tokens[i - k : i])][tokens[i]] += 1
        self._floor = 1 / (len(self._counts[0][()]) + UNSEEN)

    def probability(self, context: list[str], token: str) -> float:
        found = self._floor
        for k in range(ORDER):
            seen = self._counts[k].get(tuple(context[len(context) - k :]))
            if seen:
                total, kinds = seen.total(), len(seen)
                found = (seen[token] + kinds * found) / (total + kinds)
        return found

    def logprobs(self, text: str) -> list[tuple[str, float]]:
        """Every token of a text with its log-probability."""
        tokens = _begun(text)
        return [
            (tokens[i], math.log(self.probability(tokens[i - ORDER + 1 : i], tokens[i])))
            for i in range(ORDER - 1, len(tokens))
        ]

    def continued(self, text: str, most: int, temperature: float, rng: random.Random) -> str:
        """What comes after a text: the longest context that was ever seen says which token."""
        tokens, said = _begun(text), list[str]()
        while len(said) < most:
            k = next(k for k in range(ORDER - 1, -1, -1) if self._counts[k].get(tuple(tokens[len(tokens) - k :])))
            while temperature and k and rng.random() < BACK_OFF * temperature:
                k -= 1
            seen = sorted(self._counts[k][tuple(tokens[len(tokens) - k :])].items())
            if temperature:
                weights = [count ** (1 / temperature) for _, count in seen]
                token = rng.choices([token for token, _ in seen], weights)[0]
            else:
                token = max(seen, key=lambda one: (one[1], one[0]))[0]
            if token == "</s>":
                break
            tokens.append(token)
            said.append(token)
        return "".join(said)

    def body(self, request: dict[str, Any]) -> bytes:
        """A chat completion: the prompt is what all messages say, one after the other."""
        prompt = "\n".join(str(message["content"]) for message in request["messages"])
        seed = hashlib.sha256(json.dumps([prompt, request.get("seed")]).encode()).hexdigest()
        said = self.continued(prompt, request["max_tokens"], request.get("temperature", 1.0), random.Random(seed))
        choice = {"index": 0, "message": {"role": "assistant", "content": said}, "finish_reason": "stop"}
        found: dict[str, Any] = {"id": "ngram", "object": "chat.completion", "created": 0, "model": request["model"],
                                 "choices": [choice]}  # fmt: skip
        if request.get("prompt_logprobs"):
            scored = self.logprobs(prompt)
            found["prompt_logprobs"] = [
                None, *({str(i): {"logprob": value, "rank": 1, "decoded_token": token}} for i, (token, value)
                        in enumerate(scored))
            ]  # fmt: skip
        return json.dumps(found).encode()


def _begun(text: str) -> list[str]:
    return ["<s>"] * (ORDER - 1) + TOKEN.findall(text)
