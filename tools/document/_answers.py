"""What only people can say of a dataset: the questions, `answers.toml`, and licences as people write them.

It knows questions and SPDX expressions. It guesses no answer and no licence.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Final

from ..errors import Misuse, nearest

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
UNSPECIFIED: Final = "unspecified"
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


def licence(declared: str | None) -> str:
    """A declared licence as an SPDX expression where it is one, else as it was written; "unspecified" without
    one."""
    if not declared or not declared.strip():
        return UNSPECIFIED
    return spdx(declared) or " ".join(declared.split())


def spdx(text: str) -> str | None:
    """The SPDX expression a text spells (SPDX 3, Annex B; case does not matter); None when it is none.

    An identifier counts only when it stands there: the library would read "GPL" as GPL-1.0-or-later.
    """
    from license_expression import ExpressionError

    wanted = _ALIASES.get(_key(text), _LICENSE_WORD.sub("", text.strip()))
    try:
        parsed = _licensing().parse(wanted, validate=True, strict=True)
    except (ExpressionError, ValueError, AttributeError):
        return None
    words = set(re.findall(r"[a-z0-9.+-]+", wanted.lower()))
    if parsed is None or any(symbol.key.lower() not in words for symbol in parsed.symbols):
        return None
    return str(parsed)


@cache
def _licensing() -> Any:
    from license_expression import get_spdx_licensing

    return get_spdx_licensing()


_LICENSE_WORD: Final = re.compile(r"\s+licen[cs]e$", re.IGNORECASE)


def _key(text: str) -> str:
    return re.sub(r"[^a-z0-9.]+", " ", _LICENSE_WORD.sub("", text.lower().strip())).strip()


_ALIASES: Final = {
    **{
        f"cc {name} {version}": f"CC-{name.upper().replace(' ', '-')}-{version}"
        for name in ("by", "by sa", "by nc", "by nd", "by nc sa", "by nc nd")
        for version in ("2.0", "2.5", "3.0", "4.0")
    },
    "cc0": "CC0-1.0",
    "cc0 1.0": "CC0-1.0",
    "apache 2.0": "Apache-2.0",
    "apache 2": "Apache-2.0",
    "odc by": "ODC-By-1.0",
    "odbl": "ODbL-1.0",
    "pddl": "PDDL-1.0",
    "bsd 3 clause": "BSD-3-Clause",
    "bsd 2 clause": "BSD-2-Clause",
    "gpl 3.0": "GPL-3.0-only",
    "the mit": "MIT",
}  # fmt: skip
"""Spellings that name one licence and no other, but are no SPDX identifiers."""


def hub_license(chosen: str) -> dict[str, str]:
    """The `license` keys of a hub card: an identifier where the hub has one, else `other` with the text as
    its name."""
    if not chosen:
        return {}
    expression = spdx(chosen)
    if expression is not None and re.fullmatch(r"[A-Za-z0-9.+-]+", expression):
        return {"license": expression.lower()}
    return {"license": "other", "license_name": expression or " ".join(chosen.split())}
