"""What only people can say of a dataset: the questions, `answers.toml`, and a licence as a hub names it.

It knows questions. It guesses no answer.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from ..errors import Misuse, nearest
from ..store.licences import spdx

QUESTIONS: Final[dict[str, tuple[str, str]]] = {
    "purpose": ("Purpose", "Why was the dataset made, and for whom?"),
    "uses": ("Intended uses", "What is it good for, and what has it been used for?"),
    "unsuitable": ("Unsuitable uses", "What should it not be used for?"),
    "collection": ("Collection", "Who wrote or recorded the data, how, and over what time?"),
    "people": ("People", "Did the people in it or behind it know and agree, and how were they paid?"),
    "sensitive": ("Sensitive content", "Does it hold personal, confidential or offensive content?"),
    "limits": ("Limits and biases", "Who or what is missing or over-represented?"),
    "maintenance": ("Maintenance", "Who keeps it, how are errors reported, and how long is it kept?"),
    "contact": ("Contact", "Whom can readers ask?"),
    "citation": ("Citation", "How should it be cited?"),
}
"""Question -> (heading, what is asked). After Datasheets for Datasets (Gebru et al. 2021), cut to what no
tool can see."""

LICENSE: Final = "license"
NOT_PROVIDED: Final = "Not provided."


@dataclass(frozen=True)
class Answers:
    """What people said of one dataset; `license` is the one chosen for its release."""

    texts: Mapping[str, str] = field(default_factory=dict)
    license: str = ""


def read_answers(root: Path, dataset: str) -> Answers:
    """The dataset's table in `answers.toml`; no answers when there is no file or no table. Raises Misuse."""
    path = root / "answers.toml"
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return Answers()
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise Misuse(f"{path.name} cannot be read: {error}.") from None
    table = tables.get(dataset, {})
    known = (*QUESTIONS, LICENSE)
    for key, value in table.items() if isinstance(table, dict) else [(dataset, table)]:
        if key not in known:
            raise Misuse(f"{path.name}: [{dataset}] asks nothing called {key!r}.", next_step=nearest(key, known))
        if not isinstance(value, str):
            raise Misuse(f"{path.name}: [{dataset}] {key} is not a text.", next_step=f'Write {key} = "…".')
    texts = {key: table[key].strip() for key in QUESTIONS if table.get(key, "").strip()}
    return Answers(texts, str(table.get(LICENSE, "")).strip())


def hub_license(chosen: str) -> dict[str, str]:
    """The `license` keys of a hub card: an identifier where the hub has one, else `other` with the text as
    its name."""
    if not chosen:
        return {}
    expression = spdx(chosen)
    if expression is not None and re.fullmatch(r"[A-Za-z0-9.+-]+", expression):
        return {"license": expression.lower()}
    return {"license": "other", "license_name": expression or " ".join(chosen.split())}
