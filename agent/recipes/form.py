"""The form of a recipe: every key, what it means and a line to copy. `docs/recipes.md` is written from it.

It knows keys and types. It does not know YAML, files or tools.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator
from pydantic.fields import FieldInfo


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


def _key(default: Any, told: str, example: str, **rules: Any) -> Any:
    """A key with what it means and a line of a recipe that has it."""
    return Field(default, description=told, examples=[example], **rules)


class SourceSpec(_Strict):
    """Where rows come from, with what its owner declares about it."""

    name: str = _key(..., "what rows and the card call it; no two have the same", "name: support")
    paths: list[str] = _key(
        ...,
        "files, globs, folders or URLs, as seen from the recipe's folder",
        'paths: ["tickets/*.jsonl"]',
        min_length=1,
    )
    split: str | None = _key(None, "the split of its rows; none says that file names mean none", "split: train")
    license: str | None = _key(None, "the licence its owner declares, by its SPDX id", "license: CC-BY-4.0")
    license_url: str | None = _key(None, "where the licence stands", "license_url: https://example.com/licence")
    terms: str | None = _key(None, "terms beside the licence, in words", "terms: internal use only")
    retrieved: str | None = _key(None, "when it was fetched", "retrieved: 2026-01-31")
    url: str | None = _key(None, "where it came from", "url: https://example.com/tickets")


class ExportSpec(_Strict):
    """What is written at the end, when every expectation is met; always with a card, as `tilth export` does."""

    to: str = _key(..., "the folder to write, as seen from the recipe's folder", "to: exports/tickets")
    format: str | None = _key(None, "as `tilth export --format`; left out, the dataset's own", "format: messages")
    for_: Literal["trl", "axolotl", "llama-factory"] | None = _key(
        None, "the trainer to write a config for", "for: trl", alias="for"
    )
    split: dict[str, float] | None = _key(None, "shares of splits", "split: {train: 0.9, test: 0.1}")
    group_by: str | None = _key(None, "a column; rows that agree in it stay in one split", "group_by: customer")
    uniform: bool = _key(False, "one shape for all records, as a declared loss", "uniform: true")


class Step(_Strict):
    """One tool call; `max_drop` caps it."""

    tool: str
    args: dict[str, Any] = Field(default_factory=dict)
    max_drop: float | None = None

    @model_validator(mode="before")
    @classmethod
    def from_yaml(cls, value: Any) -> Any:
        if isinstance(value, str):
            return {"tool": value}
        if isinstance(value, dict) and len(value) == 1:
            name, args = next(iter(value.items()))
            if args is not None and not isinstance(args, dict):
                raise ValueError(f"the arguments of {name} are a mapping, not {args!r}")
            args = dict(args or {})
            return {"tool": name, "max_drop": args.pop("max_drop", None), "args": args}
        raise ValueError("a step is 'verb.noun' or 'verb.noun: {argument: value}'")


class RecipeModel(_Strict):
    """A recipe."""

    recipe: Literal[1] = _key(..., "the version of this form", "recipe: 1")
    dataset: str = _key(..., "the dataset that the run makes", "dataset: tickets")
    sources: list[SourceSpec] = _key(
        ..., "where its rows come from", "sources: [{name: support, paths: [tickets.jsonl]}]", min_length=1
    )
    read: dict[str, Any] = Field(
        default_factory=dict, description="how the files are read, below", examples=["read: {id: ticket_id}"]
    )
    max_reject: float | None = _key(
        None, "the share of bad records from which the import stops (0.01)", "max_reject: 0.02"
    )
    since: str | None = _key(
        None, "a released version, whose rows win over newer near-copies", "since: tickets@release-1"
    )
    seed: int = _key(0, "the seed of everything random", "seed: 7")
    steps: list[Step] = Field(
        default_factory=list,
        description="tool calls in order, below",
        examples=["steps: [filter.chat, dedup.near: {threshold: 0.8}]"],
    )
    expect: dict[str, str | int | float | list[str]] = Field(
        default_factory=dict,
        description="conditions, below; one that fails is exit 1",
        examples=['expect: {rows: ">= 500"}'],
    )
    export: ExportSpec | None = _key(None, "what is written at the end, below", "export: {to: exports/tickets}")

    @field_validator("expect")
    @classmethod
    def only_licences_are_lists(cls, value: dict[str, Any]) -> dict[str, Any]:
        for name, condition in value.items():
            if isinstance(condition, list) and name != "license":
                raise ValueError(f"{name} takes one condition; only license takes a list")
        return value

    @field_validator("sources")
    @classmethod
    def names_differ(cls, value: list[SourceSpec]) -> list[SourceSpec]:
        names = [source.name for source in value]
        if len(set(names)) != len(names):
            raise ValueError("two sources have the same name")
        return value


READ_KEYS: Final = {
    "format": ("messages, sharegpt, alpaca, prompt-completion, preference, unpaired-preference, text or table; left out, "
               "it is detected", "format: messages"),
    "map": ("where a field lies in a record", "map: {messages: conversation.turns}"),
    "id": ("a column to keep as the rows' own key", "id: ticket_id"),
    "encoding": ("of text files; utf-8, strictly", "encoding: latin-1"),
    "kind": ("jsonl, json, csv, text, parquet or arrow; left out, names of files tell", "kind: csv"),
    "delimiter": ("of CSV; left out, it is detected", 'delimiter: ";"'),
    "quote": ("of CSV, empty for none; left out, it is detected", 'quote: "\'"'),
    "header": ("false: the first line of a CSV file is data", "header: false"),
    "columns": ("names for CSV columns or for elements of array records", "columns: [text, label]"),
    "records": ("the key of a JSON object that holds the records", "records: data"),
    "text_unit": ("a record of a text file: line, paragraph or file", "text_unit: paragraph"),
}  # fmt: skip
"""The options of `ReadOptions`: what each means, and a line that has it."""


def keys_of(model: type[BaseModel]) -> Iterator[tuple[str, FieldInfo]]:
    """The keys of a mapping as they are written."""
    for name, field in model.model_fields.items():
        yield field.alias or name, field


def model_at(where: Sequence[int | str]) -> type[BaseModel]:
    """The mapping that holds the key at `where`."""
    models: dict[str, type[BaseModel]] = {"sources": SourceSpec, "export": ExportSpec}
    return models.get(str(where[0]), RecipeModel) if len(where) > 1 else RecipeModel


def example_of(where: Sequence[int | str]) -> str:
    """A line of a recipe that has the key at `where`, or the one nearest to it; "" without one."""
    known = [dict(keys_of(model_at(where[: end + 1]))).get(str(part)) for end, part in enumerate(where)]
    found = [field.examples[0] for field in known if field is not None and field.examples]
    return str(found[-1]) if found else ""
