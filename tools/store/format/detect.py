"""Which format records have: every format scored by the share of records that fit it.

It knows the names trainers and datasets use. It does not know files; the records are a sample, the inventory
is complete.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from collections.abc import Mapping as Table
from dataclasses import replace
from typing import Any, Final, Literal

from ...errors import Misuse, nearest
from .mapping import FORMATS, ROLES, Format, Mapping
from .paths import find, parse_path
from .pieces import is_message, is_messages

Record = Table[str, Any]
Inventory = Table[str, tuple[str, ...]]

WEIGHTS: Final[dict[Format, float]] = {
    "preference": 1.0,
    "unpaired-preference": 0.99,
    "messages": 0.98,
    "sharegpt": 0.97,
    "alpaca": 0.95,
    "prompt-completion": 0.9,
    "text": 0.7,
    "table": 0.1,
}
"""What a perfect fit scores: the more a format asks of a record, the more a fit says."""

SYNONYMS: Final[dict[str, Format]] = {
    "chat": "messages",
    "chatml": "messages",
    "conversations": "sharegpt",
    "instruction": "alpaca",
    "prompt": "prompt-completion",
    "dpo": "preference",
    "kto": "unpaired-preference",
}

_PROMPTS: Final = ("prompt", "question", "query", "problem", "instruction", "input")
_COMPLETIONS: Final = (
    "completion",
    "response",
    "answer",
    "output",
    "solution",
    "canonical_solution",
    "target",
)
_OUTPUTS: Final = ("output", "response", "completion", "answer")
_INPUTS: Final = ("input", "context")
_TEXTS: Final = ("text", "content", "document", "body", "passage")
_SYSTEMS: Final = ("system", "system_prompt")
_TOOLS: Final = ("tools", "functions")


def detect(
    records: Sequence[Record], *, inventory: Inventory, kind: Literal["json", "typed"] = "json"
) -> list[tuple[float, Mapping]]:
    """Formats that fit some of the records, best first, with scores in 0..1; "table" always stands last.

    The score is the share of `records` that fit times the format's weight. One candidate a format: of several
    columns that could play a role the one that fits most records, then the one named first in our lists.
    """
    best: dict[Format, tuple[float, dict[str, str]]] = {"table": (WEIGHTS["table"], {})}
    for format_, paths, fits in _candidates(inventory):
        share = sum(map(fits, records)) / len(records) if records else 0.0
        score = round(share * WEIGHTS[format_], 4)
        if score > best.get(format_, (0.0, {}))[0]:
            best[format_] = (score, {**paths, **_optional(format_, inventory)})
    columns = dict(inventory)
    found = [(score, Mapping(name, paths, columns, kind)) for name, (score, paths) in best.items()]
    return sorted(found, key=lambda pair: (-pair[0], FORMATS.index(pair[1].format)))


def choose(
    candidates: Sequence[tuple[float, Mapping]],
    records: Sequence[Record],
    *,
    format: str | None = None,
    paths: Table[str, str] | None = None,
) -> Mapping:
    """The best of `candidates`, or what `--format` and `--map role=path` say instead.

    Misuse when the format is unknown, lacks a path for a role it needs, or a path leads nowhere in `records`.
    """
    named = dict(paths or {})
    detected = candidates[0][1]
    wanted = _format_named(format) if format else _format_of_roles(named, detected.format)
    required, optional = ROLES[wanted]
    columns = detected.columns
    for role, path in named.items():
        if role not in required + optional:
            hint = nearest(role, required + optional)
            raise Misuse(f"--map {role}={path}: {wanted} has no {role!r}.", next_step=hint)
        steps = parse_path(path, tuple(columns))
        if not any(True for record in records for _ in find(record, steps)):
            hint = nearest(str(steps[0]), columns)
            raise Misuse(f"--map {role}={path}: no record has a value there.", next_step=hint)
    found = {**_found_paths(candidates, wanted, set(named.values())), **named}
    missing = [role for role in required if role not in found]
    if missing:
        ask = " ".join(f"--map {role}=PATH" for role in missing)
        raise Misuse(
            f"{wanted} needs {' and '.join(missing)}, and no column looks like it.",
            next_step=f"Say {ask}. {nearest(missing[0], columns)}",
        )
    return replace(detected, format=wanted, paths=found)


def _found_paths(candidates: Sequence[tuple[float, Mapping]], wanted: Format, taken: set[str]) -> dict[str, str]:
    """Paths for the roles of a format: from its own candidate, else the best other; none of the `taken`."""
    roles = ROLES[wanted][0] + ROLES[wanted][1]
    own_last = sorted(reversed(candidates), key=lambda candidate: candidate[1].format == wanted)
    return {
        role: path
        for _, mapping in own_last
        for role, path in mapping.paths.items()
        if role in roles and path not in taken
    }


def _format_named(name: str) -> Format:
    for format_ in FORMATS:
        if format_ == name:
            return format_
    if name in SYNONYMS:
        return SYNONYMS[name]
    raise Misuse(f"There is no format {name!r}.", next_step=nearest(name, {*FORMATS, *SYNONYMS}))


def _format_of_roles(named: Table[str, str], detected: Format) -> Format:
    """The detected format when it has all the roles named, else the first that the roles name fully."""
    if all(role in ROLES[detected][0] + ROLES[detected][1] for role in named):
        return detected
    for format_, (required, optional) in ROLES.items():
        if required and set(required) <= set(named) <= {*required, *optional}:
            return format_
    return detected


Candidate = tuple[Format, dict[str, str], Callable[[Record], bool]]


def _candidates(inventory: Inventory) -> Iterator[Candidate]:
    """Every reading that the columns allow, in order of preference within a format."""
    columns = list(inventory)
    if "chosen" in inventory and "rejected" in inventory:
        paths = {"chosen": "chosen", "rejected": "rejected"}
        paths |= _role("prompt", ("prompt", "question", "query", "input"), inventory)
        yield "preference", paths, _all(_is_speech, *paths.values())
    chats = [name for name in columns if _may_be_chat(name, inventory)]
    for name in sorted(chats, key=lambda name: name not in ("messages", "conversations")):
        yield "messages", {"messages": name}, _chat(name, "role")
        yield "sharegpt", {"messages": name}, _chat(name, "from")
    if "instruction" in inventory:
        for output in [name for name in _OUTPUTS if name in inventory]:
            paths = {"instruction": "instruction", "output": output}
            paths |= _role("input", _INPUTS, inventory)
            yield "alpaca", paths, _all(_is_string, "instruction", output)
        if "instances" in inventory:
            nested = {"input": "instances[0].input", "output": "instances[0].output"}
            yield "alpaca", {"instruction": "instruction", **nested}, _all(_is_string, nested["output"])
    for prompt in [name for name in _PROMPTS if name in inventory]:
        for completion in [name for name in _COMPLETIONS if name in inventory]:
            paths = {"prompt": prompt, "completion": completion}
            fits = _all(_is_speech, prompt, completion)
            yield "prompt-completion", paths, fits
            if "label" in inventory:
                labelled = {**paths, "label": "label"}
                yield "unpaired-preference", labelled, _both(fits, _all(_is_flag, "label"))
    for name in columns if len(columns) == 1 else [name for name in _TEXTS if name in inventory]:
        yield "text", {"text": name}, _all(_is_string, name)


def _optional(format_: Format, inventory: Inventory) -> dict[str, str]:
    """Columns for the roles a format may have."""
    found = _role("system", _SYSTEMS, inventory) | _role("tools", _TOOLS, inventory)
    return {role: path for role, path in found.items() if role in ROLES[format_][1]}


def _role(role: str, names: Sequence[str], inventory: Inventory) -> dict[str, str]:
    """The role with the first of `names` that is a column, if any is."""
    return next(({role: name} for name in names if name in inventory), {})


def _may_be_chat(name: str, inventory: Inventory) -> bool:
    """Whether a column holds lists and is no half of a dialogue whose other half lies in another column."""
    answers = inventory.keys() & {*_COMPLETIONS, "chosen", "rejected"}
    half = name in answers or (name in _PROMPTS and answers)
    return not half and any(type_ == "array" or "list" in type_ for type_ in inventory[name])


def _is_string(value: Any) -> bool:
    return type(value) is str


def _is_flag(value: Any) -> bool:
    return type(value) is bool


def _is_speech(value: Any) -> bool:
    return type(value) is str or is_messages(value) or is_message(value)


def _all(test: Callable[[Any], bool], *paths: str) -> Callable[[Record], bool]:
    """Whether the value at every one of the paths passes `test`."""
    steps = [parse_path(path) for path in paths]
    return lambda record: all(any(test(value) for _, value in find(record, one)) for one in steps)


def _both(first: Callable[[Record], bool], second: Callable[[Record], bool]) -> Callable[[Record], bool]:
    return lambda record: first(record) and second(record)


def _chat(name: str, speaker: str) -> Callable[[Record], bool]:
    """Whether a column holds messages that name their speaker under this key."""

    def fits(record: Record) -> bool:
        value = record.get(name)
        return is_messages(value) and any(speaker in message for message in value or ())

    return fits
