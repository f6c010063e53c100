"""What TRL, axolotl and LLaMA-Factory need to be told about an export, in their own words.

It knows their configuration keys (read in TRL f2cd577, axolotl 067b021, LLaMA-Factory ff6d4d1, July and
August 2026). It does not know rows. Paths in the files are relative to the export's folder, so that it can be
moved.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal, get_args

import yaml

from ...errors import Misuse
from ..format.mapping import Mapping as RecordMapping

Trainer = Literal["trl", "axolotl", "llama-factory"]
TRAINERS: Final[tuple[str, ...]] = get_args(Trainer)
TEST_SPLITS: Final = ("test", "validation", "eval", "dev")

READS: Final[dict[str, tuple[str, ...]]] = {
    "trl": ("messages", "prompt-completion", "preference", "unpaired-preference", "text"),
    "axolotl": (
        "messages",
        "sharegpt",
        "alpaca",
        "prompt-completion",
        "preference",
        "unpaired-preference",
        "text",
    ),
    "llama-factory": (
        "sharegpt",
        "messages",
        "alpaca",
        "prompt-completion",
        "preference",
        "unpaired-preference",
        "text",
    ),
}
"""The formats each trainer reads, those for dialogues first."""

CHOICE: Final[dict[str, dict[str, str]]] = {
    "trl": {"sharegpt": "messages", "alpaca": "prompt-completion"},
    "axolotl": {"sharegpt": "messages"},
    "llama-factory": {"messages": "sharegpt"},
}
"""Where the format a dataset has is not the one its trainer reads best."""

_COMMAND: Final = {"preference": "dpo", "unpaired-preference": "kto"}
FILE: Final = {"trl": "trl.yaml", "axolotl": "axolotl.yaml", "llama-factory": "dataset_info.json"}


def default_format(trainer: str, mapping: RecordMapping) -> str:
    """The format to write for a trainer when none is asked. Raises Misuse when it reads none these records
    can have."""
    format = CHOICE[trainer].get(mapping.format, mapping.format)
    check(trainer, format)
    return format


def check(trainer: str, format: str) -> None:
    if format not in READS[trainer]:
        raise Misuse(f"{trainer} does not read {format}.", next_step=f"Formats it reads: {', '.join(READS[trainer])}.")


def check_record(trainer: str, format: str, record: Mapping[str, Any]) -> str:
    """Why this trainer would misread or skip a record of `format`; "" when it would not."""
    if trainer == "llama-factory" and format in ("sharegpt", "messages"):
        return _alternates(record)
    spoken = [record.get(name) for name in ("prompt", "completion", "chosen", "rejected")]
    if any(type(value) is list for value in spoken):
        if trainer == "llama-factory":
            return "it reads prompts and answers as texts, not as lists of messages"
        if trainer == "axolotl" and format != "preference":
            return "it reads prompt and completion as texts, not as lists of messages"
    return ""


def _alternates(record: Mapping[str, Any]) -> str:
    turns = record.get("conversations") or record.get("messages") or []
    names = [turn.get("from", turn.get("role")) for turn in turns if type(turn) is dict]
    if names[:1] == ["system"]:
        names = names[1:]
    asks = {"human", "user", "observation", "tool"}
    if not names or len(names) % 2 or any((name in asks) != (i % 2 == 0) for i, name in enumerate(names)):
        return "its turns do not alternate between asking and answering, and LLaMA-Factory skips such rows"
    return ""


def fragment(trainer: str, name: str, format: str, splits: Sequence[str], columns: Sequence[str], suffix: str) -> bytes:
    """The configuration file's bytes. `name` is the dataset's, `columns` are those of the written records."""
    if trainer == "llama-factory":
        entries = {
            _entry_name(name, split, splits): {
                "file_name": f"data/{split}{suffix}",
                **_llama_factory(format, columns),
            }
            for split in splits
        }
        return (json.dumps(entries, indent=2, ensure_ascii=False) + "\n").encode()
    if trainer == "trl":
        command = f"trl {_COMMAND.get(format, 'sft')} --config trl.yaml"
        head = f"# {command}, run inside this folder; add your model and output_dir"
        body: dict[str, Any] = {"dataset_name": ".", **_trl_splits(splits)}
    else:
        head = "# paste into your axolotl config; the path is this folder's"
        body = _axolotl_config(".", format, splits, columns)
    text = yaml.safe_dump(body, sort_keys=False, allow_unicode=True, width=1_000)
    return f"{head}\n{text}".encode()


def paste(trainer: str, name: str, format: str, splits: Sequence[str], columns: Sequence[str], folder: str) -> str:
    """One line to paste, with the folder as its reader names it."""
    place = shlex.quote(folder)
    if trainer == "trl":
        told = " ".join(f"--{key} {value}" for key, value in _trl_splits(splits).items())
        command = f"trl {_COMMAND.get(format, 'sft')} --dataset_name {place} {told}"
        return f"{command} --model_name_or_path MODEL --output_dir OUT"
    if trainer == "llama-factory":
        return f"dataset_dir: {folder}, dataset: {_entry_name(name, splits[0], splits)}"
    config = _axolotl_config(folder, format, splits, columns)
    return yaml.safe_dump(
        config, sort_keys=False, allow_unicode=True, width=1_000_000, default_flow_style=True
    ).strip()[1:-1]


def _trl_splits(splits: Sequence[str]) -> dict[str, str]:
    train = "train" if "train" in splits else splits[0]
    test = next((split for split in TEST_SPLITS if split in splits and split != train), None)
    told = {"dataset_train_split": train}
    return told if test is None else {**told, "dataset_test_split": test, "eval_strategy": "epoch"}


def _axolotl_config(path: str, format: str, splits: Sequence[str], columns: Sequence[str]) -> dict[str, Any]:
    train = "train" if "train" in splits else splits[0]
    test = next((split for split in TEST_SPLITS if split in splits and split != train), None)
    kind = _axolotl(format, columns)
    config: dict[str, Any] = {"rl": _COMMAND[format]} if format in _COMMAND else {}
    config["datasets"] = [{"path": path, "split": train, **kind}]
    if test is not None:
        config["test_datasets"] = [{"path": path, "split": test, **kind}]
    return config


def _axolotl(format: str, columns: Sequence[str]) -> dict[str, Any]:
    if format == "messages":
        return {"type": "chat_template"}
    if format == "sharegpt":
        names = {"role": "from", "content": "value"}
        return {
            "type": "chat_template",
            "field_messages": "conversations",
            "message_property_mappings": names,
        }
    if format == "alpaca":
        return {"type": "alpaca"}
    if format == "prompt-completion":
        plain = {"format": "{instruction}", "no_input_format": "{instruction}"}
        return {"type": {"field_instruction": "prompt", "field_output": "completion", **plain}}
    if format == "preference":
        told = {"field_messages": "prompt", "field_chosen": "chosen", "field_rejected": "rejected"}
        if "prompt" not in columns:
            return {"type": "chat_template.argilla_chat"}
        return {"type": "chat_template.default", **told}
    if format == "unpaired-preference":
        return {"type": {"field_prompt": "prompt", "field_completion": "completion", "field_label": "label"}}
    return {"type": "completion", "field": "text"}


def _llama_factory(format: str, columns: Sequence[str]) -> dict[str, Any]:
    """Only columns that exist are named: LLaMA-Factory fails on any other."""
    optional = {name: name for name in ("system", "tools") if name in columns}
    if format == "sharegpt":
        return {"formatting": "sharegpt", "columns": {"messages": "conversations", **optional}}
    if format == "messages":
        tags = {
            "role_tag": "role",
            "content_tag": "content",
            "user_tag": "user",
            "assistant_tag": "assistant",
        }
        more = {"observation_tag": "tool", "system_tag": "system"}
        return {
            "formatting": "sharegpt",
            "columns": {"messages": "messages", **optional},
            "tags": {**tags, **more},
        }
    if format == "preference":
        told = {"prompt": "prompt", "chosen": "chosen", "rejected": "rejected"}
        return {"ranking": True, "columns": {**told, **optional}}
    told = {
        "alpaca": {"prompt": "instruction", "query": "input", "response": "output", "history": "history"},
        "prompt-completion": {"prompt": "prompt", "response": "completion"},
        "unpaired-preference": {"prompt": "prompt", "response": "completion", "kto_tag": "label"},
        "text": {"prompt": "text"},
    }[format]
    return {"columns": {**{key: name for key, name in told.items() if name in columns}, **optional}}


def _entry_name(name: str, split: str, splits: Sequence[str]) -> str:
    base = name.replace("/", "-")
    return base if len(splits) == 1 else f"{base}_{split}"
