"""What a profile promises: planted defects are seen, counts are reproduced by their SQL, batches change nothing."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tilth.agent.acting import resolving, toolbox
from tilth.evals.planted.chat import PlantedChat, generate
from tilth.tools.inspect._facts import compute_facts
from tilth.tools.store.importing import import_sources
from tilth.tools.store.ingest import ReadOptions, Source
from tilth.tools.store.query import views
from tilth.tools.store.rows import Rows
from tilth.tools.store.store import Store

PLANTED: PlantedChat = generate(seed=3, rows=1_200)

EXACTLY = (
    "no_messages", "unknown_role", "role_order", "last_turn_not_assistant", "empty_turn", "tool_call_without_result",
    "tool_result_without_call", "arguments_not_json", "empty_response", "markup_leak", "replacement_characters",
    "mojibake", "control_characters", "zero_width", "not_nfc",
)  # fmt: skip
NEARLY = {"echoed_response": 0.8, "repeated_ngrams": 0.9, "refusal": 0.9, "truncation": 0.6}
"""Kinds without one plain definition -> the share of all that is planted or found that both must have in common."""

Import = Callable[..., Rows]


@pytest.fixture
def imported(store: Store, tmp_path: Path) -> Import:
    def read(data: bytes, name: str, **options: Any) -> Rows:
        (path := tmp_path / f"{name}.jsonl").write_bytes(data)
        source = Source(name, (str(path),))
        with store.writing("test"):
            import_sources(store, name, [source], ReadOptions(), max_reject=0.05, **options)
        return store.rows(name)

    return read


def profile(store: Store, name: str, rows: Rows, *, threads: int = 1, **args: Any) -> dict[str, Any]:
    with store.writing("test"):
        done = toolbox.call_on(store, "inspect.profile", name, rows.vid, args, resolving.Settings(threads=threads))
    return dict(done.details)


def found(details: dict[str, Any]) -> Counter[str]:
    return Counter({one["code"]: one["count"] for one in details["findings"]})


def test_every_planted_kind_is_seen(store: Store, imported: Import) -> None:
    details = profile(store, "planted", imported(PLANTED.jsonl, "planted"))
    counts = found(details)
    planted = Counter(kind for kinds in PLANTED.truth.kinds.values() for kind in kinds)
    assert {code: counts[code] for code in EXACTLY} == {code: planted[code] for code in EXACTLY}
    for code, least in NEARLY.items():
        assert min(counts[code], planted[code]) >= least * max(counts[code], planted[code]) > 0, code
    assert counts["system.shared"] == pytest.approx(0.4 * details["rows"], rel=0.15)


def test_planted_copies_are_counted(store: Store, imported: Import) -> None:
    details = profile(store, "planted", imported(PLANTED.jsonl, "planted"))
    spare: Counter[str] = Counter()
    for cluster in PLANTED.truth.clusters:
        spare[cluster.kind] += len(cluster.lines) - 1
    exact = spare["exact_duplicate"] + spare["reserialized_duplicate"]
    duplicates = details["duplicates"]
    # A copy is a copy whatever its system prompt: the dialogue is compared, the truth compares whole records.
    assert exact <= duplicates["exact"] <= exact * 1.1
    assert duplicates["near"] == pytest.approx(spare["near_duplicate"], rel=0.1)


def test_near_and_exact_copies_are_what_dedup_near_drops(make_rows: Any, run_tool: Any, imported: Import) -> None:
    """White space alone is a text to dedup.exact and none to dedup.near; there is none here."""
    planted = [line for line in PLANTED.lines[:400] if b'"messages"' in line]
    line = "one two three four five six"
    short = ["Hello", "hello ", "Hello", "Bye", "", line, line.replace(" ", ", ")]
    for rows in (imported(b"\n".join(planted), "planted"), make_rows([{"text": text} for text in short])):
        told = {fact.id: fact.value for fact in compute_facts(rows)}
        dropped = run_tool("dedup.near", rows).dropped()
        assert told["duplicates.exact"] + told["duplicates.near"] == len(dropped) > 0


@pytest.fixture(params=["planted", "pairs", "table", "text"])
def any_rows(request: pytest.FixtureRequest, imported: Import, make_rows: Any) -> Iterator[tuple[str, Rows]]:
    if request.param == "planted":
        yield "planted", imported(b"\n".join(PLANTED.lines[:300]), "planted")
        return
    answers = ["Yes.", "No.", "Yes. And here is a longer reason for it.", ""]
    records: dict[str, list[dict[str, Any]]] = {
        "pairs": [{"prompt": f"p{i % 7}", "chosen": answers[i % 3], "rejected": answers[i % 4]} for i in range(60)],
        "table": [
            {"a": str(i % 3), "b": "xyz"[i % 3] if i != 4 else "q", "d": ["Yes", "yes", "No"][i % 3],
             "c": ["5", " 6", "N/A", "u", "7"][i % 9 % 5] if i % 8 else None, "e'\"": str(i) if i % 9 else "x"}
            for i in range(60)
        ],
        "text": [{"text": answers[i % 4] * (i % 2)} for i in range(30)],
    }  # fmt: skip
    yield "data", make_rows(records[request.param])


def test_sql_counts_every_finding_again(store: Store, any_rows: tuple[str, Rows]) -> None:
    name, rows = any_rows
    details = profile(store, name, rows)
    told = [one for one in details["findings"] if one["sql"]]
    assert told
    for one in told:
        [line] = views.query(store, name, one["sql"]).to_pylist()
        assert list(line.values()) == [one["count"]], one["code"]
    for one in details["dependencies"]:
        assert len(views.query(store, name, one["sql"])) == one["rows"]


def test_threads_packs_and_batches_change_nothing(store: Store, imported: Import) -> None:
    data = b"\n".join(PLANTED.lines[:600])
    told = []
    for name, options, threads in (("one", {}, 1), ("many", {"pack_rows": 90}, 4)):
        rows = imported(data, name, **options)
        details = profile(store, name, rows, threads=threads)
        facts = [(fact.id, fact.value, fact.n_examined) for fact in compute_facts(rows, threads=threads)]
        told.append((json.dumps(details), facts))
    renamed = told[1][0].replace("many.jsonl", "one.jsonl").replace('"many"', '"one"')
    assert told[0][0] == renamed
    ours = [(id.replace("source.many", "source.one"), value, examined) for id, value, examined in told[1][1]]
    assert told[0][1] == ours


def test_facts_of_the_report_are_the_facts_anybody_computes(make_rows: Any, run_tool: Any, store: Store) -> None:
    rows = make_rows([{"text": f"Row number {i} says the same thing in other words"} for i in range(40)])
    entry = run_tool("inspect.profile", rows).entry
    stored = store.objects.read(entry.objects["facts"]).to_pylist()
    computed = compute_facts(rows)
    assert [one["id"] for one in stored] == [fact.id for fact in computed]
    assert [json.loads(one["value"]) for one in stored] == [fact.value for fact in computed]
    assert len({fact.id for fact in computed}) == len(computed)


def test_a_profile_changes_nothing(make_rows: Any, run_tool: Any, store: Store) -> None:
    rows = make_rows([{"text": "a"}])
    ran = run_tool("inspect.profile", rows)
    assert ran.rows.vid == rows.vid == store.rows("data").vid
    assert ran.entry.kind == "report"


def test_examples_lie_at_the_lines_they_name(store: Store, imported: Import) -> None:
    details = profile(store, "planted", imported(PLANTED.jsonl, "planted"))
    shown = 0
    for one in details["findings"]:
        if one["code"] in EXACTLY:
            for example in one["examples"]:
                line = int(example["at"].rpartition(":")[2])
                assert one["code"] in PLANTED.truth.kinds[line]
                shown += 1
    assert shown > 40


@pytest.mark.slow
def test_real_files(shared_data: Path, imported: Import, store: Store) -> None:
    """Nothing certain is known of them but this: no broken turns, no empty answers."""
    for path in ("gsm8k/test.jsonl", "gpteacher/roleplay.json", "self_instruct/seed_tasks.jsonl"):
        file = shared_data / path
        name = file.stem.replace("_", "-")
        with store.writing("test"):
            import_sources(store, name, [Source(name, (str(file),))], ReadOptions())
        details = profile(store, name, store.rows(name))
        assert "error" not in {one["severity"] for one in details["findings"]}
        assert details["languages"]["shares"][0][0] == "en"
