"""Where a version came from, as the provenance.jsonl that is shipped with it, and the facts that file holds.

It knows the ledger's entries and what of them may leave the workspace: no clock, no host, no actor, no
absolute path.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import PurePath
from typing import Any, Final

from ..inspect.measures.redundancy import copies
from ..store import licences
from ..store.export import Written
from ..store.ledger import Entry
from ..store.packs import fixed_bytes
from ..store.rows import Rows
from ..version import VERSION
from ._facts import CardFact, part

PROVENANCE: Final = "provenance.jsonl"
LEDGER: Final = "the ledger of the workspace"
LOOKS: Final = ("inspect.profile", "document.card")
"""Tools that only look: whether somebody looked at a version does not change what an export of it says."""


def provenance(
    dataset: str, vid: str, entries: Sequence[Entry], written: Written, imported: Rows | None
) -> list[dict[str, Any]]:
    """The lines of provenance.jsonl. `imported` is the version as it stood after its last import."""
    lines = [line for entry in entries for line in _told(entry)]
    if imported is not None:
        lines.append({"kind": "measured", "version": imported.vid, **_before(imported)})
    lines.append(
        {
            "kind": "export",
            "dataset": dataset,
            "version": vid,
            "tilth": VERSION,
            "options": written.options.to_json(),
            "rows": written.rows,
            "losses": [{"code": loss.code, "message": loss.message, "rows": loss.rows} for loss in written.losses],
            "asked": dict(written.options.split),
            "notes": list(written.notes),
        }
    )
    return lines


def dump(lines: Iterable[Mapping[str, Any]]) -> bytes:
    return b"".join(json.dumps(line, ensure_ascii=False).encode() + b"\n" for line in lines)


def load(data: bytes) -> list[dict[str, Any]]:
    return [json.loads(line) for line in data.split(b"\n") if line]


def last_import(entries: Sequence[Entry]) -> str | None:
    """The version the newest import of a lineage made."""
    return next((entry.output for entry in reversed(entries) if entry.kind == "import"), None)


def _before(rows: Rows) -> dict[str, int]:
    contents = rows.arrow(("content_sha",))["content_sha"]
    numbers = fixed_bytes(contents)[:, :8].copy().view("<i8").reshape(-1)
    return {"rows": len(rows), "duplicates": copies(numbers).rows}


def _told(entry: Entry) -> Iterator[dict[str, Any]]:
    if entry.kind == "import":
        details = entry.details
        yield {
            "kind": "import",
            "from": entry.before,
            "version": entry.output,
            "args": _shareable(entry.args),
            "sources": [_source(source) for source in details.get("sources", [])],
            **{name: details.get(name, 0) for name in ("read", "kept", "blank")},
            "rejected": dict(details.get("rejected", {})),
            **({"tool": entry.tool, "seed": entry.seed, "counts": dict(entry.counts)} if entry.tool else {}),
        }
    elif entry.kind in ("step", "report") and entry.tool not in LOOKS:
        yield {
            "kind": entry.kind,
            "tool": entry.tool,
            "tool_version": entry.tool_version,
            **({"tool_source": entry.details["tool_source"]} if "tool_source" in entry.details else {}),
            "args": _shareable(entry.args),
            "seed": entry.seed,
            "from": entry.before,
            "version": entry.output,
            "counts": dict(entry.counts),
        }


def _source(source: Mapping[str, Any]) -> dict[str, Any]:
    files = [
        {
            "name": file_name(file["path"]),
            **{name: file[name] for name in ("sha256", "size", "rows")},
        }
        for file in source.get("files", [])
    ]
    kept = {
        name: source[name]
        for name in ("name", "split", "terms", "url", "license_url", "retrieved", "made_from")
        if source.get(name)
    }
    return {**kept, "license": licences.read(source.get("license")).told, "files": files}


def file_name(path: str) -> str:
    """A path as it was given, or only its last part where the rest tells about a machine or a person."""
    parts = PurePath(path)
    return parts.name if parts.is_absolute() or parts.parts[:1] in (("..",), ("~",)) else path


def _shareable(value: Any) -> Any:
    """Arguments with absolute paths cut to their last part."""
    if isinstance(value, Mapping):
        return {name: _shareable(child) for name, child in value.items()}
    if isinstance(value, list | tuple):
        return [_shareable(child) for child in value]
    return file_name(value) if isinstance(value, str) and value.startswith(("/", "~/", "../")) else value


# -- facts ---


def recorded(dataset: str, lines: Sequence[Mapping[str, Any]]) -> list[CardFact]:
    """All facts that provenance.jsonl holds, numbered in its order from 1."""
    facts: list[CardFact] = []
    counted = {"import": 0, "step": 0, "report": 0, "source": 0}
    lines = _without_earlier_makings(lines)
    files = sum(len(source["files"]) for line in lines for source in line.get("sources", []))
    facts.append(_fact("sources.files", files, "files"))
    for line in lines:
        kind = line["kind"]
        if kind in counted:
            counted[kind] += 1
        if kind == "import":
            facts += _import_facts(dataset, line, counted)
        elif kind == "step":
            facts += _step_facts(dataset, line, counted["step"])
        elif kind == "report":
            facts.append(_fact(f"report.{counted['report']}.tool", line["tool"], "name"))
        elif kind == "measured":
            method = "records that equal an earlier one, before any step"
            facts.append(_fact("duplicates.before", line["duplicates"], "rows", method, line["rows"]))
        elif kind == "export":
            facts += _export_facts(dataset, line)
    return facts


def _fact(id: str, value: Any, unit: str, method: str = LEDGER, examined: int = 0) -> CardFact:
    return CardFact(id, value, unit, method, examined, "ledger")


def _export_facts(dataset: str, line: Mapping[str, Any]) -> Iterator[CardFact]:
    yield _fact("version", line["version"], "id")
    yield _fact("tilth.version", line["tilth"], "id")
    for loss in line["losses"]:
        at = f"loss.{part(loss['code'])}"
        yield _fact(f"{at}.what", loss["message"], "sentence", examined=line["rows"])
        yield _fact(f"{at}.rows", loss["rows"], "rows", "counted while writing", line["rows"])
    for split, share in line["asked"].items():
        yield _fact(f"split.{part(split)}.asked", share, "share", "asked for")
    for i, note in enumerate(line["notes"], 1):
        yield _fact(f"note.{i}", note, "sentence")
    yield _fact("command.export", _export_command(dataset, line["options"]), "command")


def _import_facts(dataset: str, line: Mapping[str, Any], counted: dict[str, int]) -> Iterator[CardFact]:
    name = f"import.{counted['import']}"
    for count in ("read", "kept", "blank"):
        yield _fact(f"{name}.{count}", line[count], "records", examined=line["read"])
    for reason, rejected in line["rejected"].items():
        yield _fact(f"{name}.rejected.{part(reason)}", rejected, "records", examined=line["read"])
    names = []
    for source in line["sources"]:
        counted["source"] += 1
        at = f"source.{counted['source']}"
        for key in ("name", "license", "split", "terms", "url", "license_url", "retrieved", "made_from"):
            if key in source:
                method = LEDGER if key in ("name", "made_from") else "declared"
                yield _fact(f"{at}.{key}", source[key], "name", method)
        for i, file in enumerate(source["files"], 1):
            names.append(file["name"])
            yield _fact(f"{at}.file.{i}.name", file["name"], "name")
            yield _fact(f"{at}.file.{i}.sha256", file["sha256"], "sha256")
            yield _fact(f"{at}.file.{i}.bytes", file["size"], "bytes")
            yield _fact(f"{at}.file.{i}.rows", file["rows"], "rows")
    if "tool" in line:
        yield from _making_facts(line, name)
        return
    options = {name: value for name, value in line["args"].items() if name != "mode"}
    words = ["tilth", "import", dataset, *names, *_mode(line["args"].get("mode")), *_flags(options)]
    yield _fact(f"{name}.command", shlex.join(words), "command")


def _making_facts(line: Mapping[str, Any], name: str) -> Iterator[CardFact]:
    """What a panel made of how many drafts, and the command that asks it again."""
    counts = line["counts"]
    for key in ("planned", "accepted", "escalated"):
        yield _fact(f"{name}.{key}", counts[key], "drafts", examined=counts["planned"])
    for code, count in counts["rejected"].items():
        yield _fact(f"{name}.refused.{part(code)}", count, "drafts", examined=counts["planned"])
    if counts.get("self_reviewed"):
        yield _fact(f"{name}.self_reviewed", True, "flag")
    seeds = line["sources"][0]["made_from"].partition("@")[0]
    seed = ["--seed", str(line["seed"])] if line["seed"] else []
    words = ["tilth", "do", line["tool"], seeds, *_flags(line["args"]), *seed]
    yield _fact(f"{name}.command", shlex.join(words), "command")


def _without_earlier_makings(lines: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """A making that starts anew holds what the one before it made."""
    last = max((i for i, line in enumerate(lines) if "tool" in line and line["kind"] == "import"
                and not line["args"].get("append")), default=0)  # fmt: skip
    return list(lines[last:])


def _mode(mode: Any) -> list[str]:
    return [f"--{mode}"] if mode in ("append", "replace") else []


def _step_facts(dataset: str, line: Mapping[str, Any], number: int) -> Iterator[CardFact]:
    name = f"step.{number}"
    yield _fact(f"{name}.tool", line["tool"], "name")
    counts = line["counts"]
    before = counts.get("before", 0)
    for key in ("before", "after", "added", "edited"):
        if key in counts:
            yield _fact(f"{name}.{key}", counts[key], "rows", examined=before)
    for kind, unit in (("dropped", "rows"), ("edits", "edits")):
        for reason, count in counts.get(kind, {}).items():
            yield _fact(f"{name}.{kind}.{part(reason)}", count, unit, examined=before)
    seed = ["--seed", str(line["seed"])] if line["seed"] else []
    words = ["tilth", "do", line["tool"], dataset, *_flags(line["args"]), *seed]
    yield _fact(f"{name}.command", shlex.join(words), "command")


def _flags(args: Mapping[str, Any]) -> list[str]:
    """Arguments as command-line flags; None and empty ones are left out."""
    words: list[str] = []
    for name, value in args.items():
        flag = f"--{name.replace('_', '-')}"
        if value is None or value == [] or value == {}:
            continue
        if value is True:
            words.append(flag)
        elif value is False:
            words.append(f"--no-{flag[2:]}")
        elif isinstance(value, list):
            words += [flag, ",".join(map(str, value))]
        elif isinstance(value, Mapping):
            words += [word for key, one in value.items() for word in (flag, f"{key}={one}")]
        else:
            words += [flag, str(value)]
    return words


def _export_command(dataset: str, options: Mapping[str, Any]) -> str:
    words = ["tilth", "export", dataset]
    if "for" in options:
        words += ["--for", options["for"]]
    words += ["--format", options["format"]]
    if "split" in options:
        words += ["--split", ",".join(f"{name}={share:g}" for name, share in options["split"].items())]
    if "group_by" in options:
        words += ["--group-by", options["group_by"]]
    words += [f"--{name.replace('_', '-')}" for name in ("uniform", "escape_formulas") if options.get(name)]
    if "seed" in options:
        words += ["--seed", str(options["seed"])]
    return shlex.join(words)
