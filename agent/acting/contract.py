"""The contract every tool keeps, checked by running it: the same result under any threads and packs, a reason for
each dropped row, before = after + dropped − added, and the version it was given unchanged.

It knows a small made-up dataset with a bit of everything. It does not know what any tool is for.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from ...tools import tool as registry
from ...tools.errors import Misuse, TilthError
from ...tools.store.importing import import_sources
from ...tools.store.ingest import ReadOptions, Source
from ...tools.store.ledger import Entry
from ...tools.store.past import history
from ...tools.store.store import Store
from ...tools.tool import Parameter, Tool
from . import resolving, toolbox

THREADS: Final = (1, 2, 4)
PACKS: Final = (1, 7)
DATASET: Final = "fixture"
SEED: Final = 3
CONFIG: Final = '[roles]\ngenerator = ["offline:"]\nreviewer = ["offline:"]\n'
"""Tools that ask models are run without one."""

EXAMPLES: Final[Mapping[str, Mapping[str, Any]]] = {
    "contaminate.probe": {"model": "offline:"},
    "filter.judge": {"cut": 5.0},
    "synthesize.rows": {"strategy": "expand", "into": "made", "n": 2, "cut": 5.0, "most": 24, "allow_short": True},
}
"""Arguments that cannot be told from a signature."""


@dataclass(frozen=True)
class Verdict:
    """What a tool was found to break, after `runs` runs; without faults it keeps the contract."""

    tool: str
    runs: int
    faults: tuple[str, ...]


@dataclass(frozen=True)
class _Run:
    """One run as it must come out whatever the threads and packs."""

    threads: int
    packs: int
    result: Mapping[str, str] = field(hash=False)
    faults: tuple[str, ...]

    @property
    def name(self) -> str:
        packs, threads = "packs" if self.packs > 1 else "pack", "threads" if self.threads > 1 else "thread"
        return f"{self.packs} {packs} and {self.threads} {threads}"


def check_file(path: Path) -> list[Verdict]:
    """Load a file of own tools and check each. Raises Misuse when it holds none."""
    tools = registry.load(path)
    if not tools:
        next_step = "Put @tilth.filter over a function row -> None | 'reason', or @tilth.tool over a typed one."
        raise Misuse(f"{path} declares no tool.", next_step=next_step)
    return check([tool.id for tool in tools])


def check(tool_ids: Sequence[str]) -> list[Verdict]:
    """Run each tool on the fixture under every number of threads and packs, in folders of their own."""
    tools = [registry.get(id) for id in tool_ids]
    runs: dict[str, list[_Run]] = {tool.id: [] for tool in tools}
    errors: dict[str, list[str]] = {tool.id: [] for tool in tools}
    for packs in PACKS:
        for threads in THREADS:
            with tempfile.TemporaryDirectory(prefix="tilth-contract-") as folder:
                store = _fixture(Path(folder), packs)
                try:
                    for tool in tools:
                        if errors[tool.id]:
                            continue
                        try:
                            runs[tool.id].append(_run(store, tool, threads, packs))
                        except TilthError as error:
                            errors[tool.id].append(f"it cannot be run on the fixture: {error.args[0]}")
                        except Exception as error:
                            errors[tool.id].append(f"it raises {type(error).__name__}: {error}")
                finally:
                    store.close()
    return [Verdict(tool.id, len(runs[tool.id]), (*errors[tool.id], *_faults(runs[tool.id]))) for tool in tools]


def _faults(runs: Sequence[_Run]) -> Iterator[str]:
    yield from dict.fromkeys(fault for run in runs for fault in run.faults)
    for run in runs[1:]:
        for part, value in run.result.items():
            if value != runs[0].result.get(part):
                yield f"with {run.name} its {part} differ from those with {runs[0].name}"
                return


def _fixture(folder: Path, packs: int) -> Store:
    lines = [json.dumps(record, ensure_ascii=False) for record in fixture_records()]
    path = folder / "fixture.jsonl"
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    (folder / "tilth.toml").write_text(CONFIG, encoding="utf-8")
    store = Store(folder)
    with store.writing("tilth tools check"):
        import_sources(
            store, DATASET, [Source(DATASET, (str(path),))], ReadOptions(), pack_rows=-(-len(lines) // packs)
        )
    return store


def _run(store: Store, tool: Tool, threads: int, packs: int) -> _Run:
    rows = store.rows(DATASET)
    before = _digest(rows.arrow(("row_id", "record")).to_pylist())
    settings = resolving.Settings(seed=SEED, threads=threads)
    args = _examples(tool)
    with store.writing("tilth tools check"):
        if tool.after:
            before_it = registry.get(tool.after)
            toolbox.call_on(store, tool.after, DATASET, rows.vid, _examples(before_it), settings, moves=False)
        done = toolbox.call_on(store, tool.id, DATASET, rows.vid, args, settings, moves=False)
    faults = (
        [] if _digest(rows.arrow(("row_id", "record")).to_pylist()) == before else ["it changes the rows it is given"]
    )
    faults += _accounting(store, done.entry)
    result = {
        "rows": str(done.entry.output),
        "counts": _digest(done.entry.counts),
        "details": _digest(done.details),
        **{role: _digest(_without_places(store, sha)) for role, sha in done.entry.objects.items()},
    }
    return _Run(threads, packs, result, tuple(faults))


def _without_places(store: Store, sha: str) -> list[dict[str, Any]]:
    """A stored table without the fixture's own path, which no two folders share."""
    table = store.objects.read(sha)
    lines: list[dict[str, Any]] = table.select([name for name in table.column_names if name != "file"]).to_pylist()
    return lines


def _accounting(store: Store, entry: Entry) -> Iterator[str]:
    """Every dropped row has one decision with a reason, and the counts add up."""
    if entry.kind == "report":
        return
    counts, dropped = entry.counts, sum(entry.counts["dropped"].values())
    if counts["before"] != counts["after"] + dropped - counts["added"]:
        yield f"before {counts['before']} is not after {counts['after']} + dropped {dropped} - added {counts['added']}"
    table = history.decisions(store, entry)
    drops = [] if table is None else [line for line in table.to_pylist() if line["action"] == "drop"]
    if len(drops) != dropped or len({line["row_id"] for line in drops}) != dropped:
        yield f"it drops {dropped} rows under {len(drops)} decisions"
    if any(not line["reason"].strip() for line in drops):
        yield "it drops rows without a reason"


def _examples(tool: Tool) -> dict[str, Any]:
    told = EXAMPLES.get(tool.id, {})
    return {**{one.name: _example(one) for one in tool.parameters if one.required and one.name not in told}, **told}


def _example(parameter: Parameter) -> Any:
    """A value for a required argument: what the fixture has, or the least that is allowed."""
    if parameter.arg.dataset or parameter.arg.benchmark:
        value: Any = DATASET
    elif parameter.arg.predicate:
        value = "line % 3 = 0"
    elif parameter.arg.order:
        value = "line desc"
    elif parameter.arg.query:
        value = "select split, count(*) as n from rows group by all order by all"
    elif parameter.arg.field:
        value = "default"
    elif parameter.choices:
        value = parameter.choices[0]
    elif parameter.kind in (int, float):
        value = parameter.arg.minimum or 1
    else:
        value = "messages"
    return [value] if parameter.many else value


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=repr).encode()).hexdigest()


def fixture_records() -> list[dict[str, Any]]:
    """24 conversations: whole ones, copies, near copies, and one of each common fault."""
    subjects = ("bread", "tea", "paper", "glass", "soap", "rope", "ink", "salt")
    told = [
        (
            f"How is {subject} made, and what should a beginner know before trying it at home?",
            f"Making {subject} takes patience. Gather what you need, read the steps twice, keep the place clean, and "
            f"begin with a small batch of {subject}, so that the first mistakes stay cheap and easy to put right.",
        )
        for subject in subjects
    ]
    near = [(ask, answer.replace("patience", "some patience")) for ask, answer in told[:3]]
    faulty = [
        ("Say it with an accent.", "CafÃ© au lait, s'il vous plaÃ®t."),
        ("What is left?", "Nothing is left here.<|im_end|>"),
        ("Repeat after me.", "Repeat after me."),
        ("And then?", ""),
        ("Loop, please.", "again and again and on " * 12),
        ("Hidden?", "Yes\u200b, hid\u200bden \x07 here."),
    ]
    pairs = [*told, *told[:4], *near, *faulty]
    chats: list[dict[str, Any]] = [
        {"messages": [{"role": "user", "content": ask}, {"role": "assistant", "content": answer}]}
        for ask, answer in pairs
    ]
    chats.append({"messages": [{"role": "user", "content": "Is anybody there?"}]})
    chats.append({"messages": [{"role": "assistant", "content": "Hello."}, {"role": "user", "content": "Hello?"}]})
    chats.append({"messages": []})
    return chats
