"""A card says what its files and the ledger say, and leaves to people what only they can know."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from tilth.tools.document._facts import Facts, shown
from tilth.tools.document._render import Card, Line, render
from tilth.tools.document.card import verify_card, write_card
from tilth.tools.errors import Misuse
from tilth.tools.store.export import earlier, write_data
from tilth.tools.store.importing import import_sources
from tilth.tools.store.ingest import ReadOptions, Source
from tilth.tools.store.rows import Rows
from tilth.tools.store.store import Store


def chat(i: int, answer: str = "Of course, I would gladly tell you about it.") -> dict[str, Any]:
    asked = f"Hello there, could you please tell me about number {i}?"
    return {"messages": [{"role": "user", "content": asked}, {"role": "assistant", "content": answer}], "id": i}


def exported(store: Store, rows: Rows, folder: Path, dataset: str = "data", **asked: Any) -> Path:
    written = write_data(rows, folder, dataset=dataset, earlier=earlier(store, rows), **asked)
    assert write_card(store, dataset, rows.vid, folder, written) == [
        "provenance.jsonl",
        "README.md",
        "manifest.json",
    ]
    return folder


def facts_of(folder: Path) -> Facts:
    return Facts.from_json(json.loads((folder / "manifest.json").read_text())["facts"])


def front_matter(folder: Path) -> Mapping[str, Any]:
    readme = (folder / "README.md").read_text()
    head: Mapping[str, Any] = yaml.safe_load(readme.split("\n---\n")[0].removeprefix("---\n"))
    return head


# --- what is computed ---


def test_facts_are_what_the_files_hold(store: Store, make_rows: Callable[..., Rows], tmp_path: Path) -> None:
    records = [chat(i) for i in range(60)] + [chat(3), chat(4, answer="Yes."), {**chat(61), "note": "x"}]
    folder = exported(store, make_rows(records), tmp_path / "out", split={"train": 0.8, "test": 0.2})
    facts = facts_of(folder)
    files = {name: (folder / f"data/{name}.jsonl").read_bytes() for name in ("train", "test")}
    for name, content in files.items():
        assert facts.value(f"split.{name}.rows") == content.count(b"\n")
        assert facts.value(f"split.{name}.bytes") == len(content)
    assert facts.value("rows.total") == 63
    assert facts.value("bytes.total") == sum(map(len, files.values()))
    answers = sorted(len(record["messages"][1]["content"]) for record in records)
    assert facts.value("length.assistant.count") == 63
    assert facts.value("length.assistant.p50") == answers[31]
    assert facts.value("length.assistant.p100") == answers[-1]
    assert (facts.value("turns.p5"), facts.value("turns.p100")) == (2, 2)
    assert facts.value("column.note.missing") == 62
    assert facts.value("column.messages.type") == "[{role: string, content: string}]"
    assert facts.value("duplicates.after") == 1
    assert facts.value("duplicates.across") == 0
    assert facts.value("duplicates.before") == 1
    assert facts.value("languages.examined") == 63
    assert facts.value("language.en.rows") == 63


def test_every_fact_says_where_it_can_be_checked(store: Store, make_rows: Callable[..., Rows], tmp_path: Path) -> None:
    folder = exported(store, make_rows([chat(i) for i in range(5)]), tmp_path / "out")
    facts = facts_of(folder)
    assert {fact.check for fact in facts.values()} == {"export", "ledger"}
    assert facts["rows.total"].check == "export"
    assert facts["import.1.kept"].check == "ledger"
    assert all(fact.method and fact.n_examined >= 0 for fact in facts.values())


def test_the_card_is_what_a_hub_reads(store: Store, make_rows: Callable[..., Rows], tmp_path: Path) -> None:
    rows = make_rows([chat(i) for i in range(40)])
    folder = exported(store, rows, tmp_path / "out", split={"train": 0.5, "test": 0.5})
    assert front_matter(folder) == {
        "pretty_name": "data",
        "language": ["en"],
        "size_categories": ["n<1K"],
        "tags": ["tilth", "messages"],
        "configs": [
            {
                "config_name": "default",
                "data_files": [
                    {"split": "train", "path": "data/train.jsonl"},
                    {"split": "test", "path": "data/test.jsonl"},
                ],
            }
        ],
        "dataset_info": {
            "features": [
                {
                    "name": "messages",
                    "list": [{"name": "role", "dtype": "string"}, {"name": "content", "dtype": "string"}],
                },
                {"name": "id", "dtype": "int64"},
            ]
        },
    }


def test_the_funnel_names_every_reason(
    store: Store, make_rows: Callable[..., Rows], run_tool: Callable[..., Any], tmp_path: Path
) -> None:
    rows = make_rows([chat(i) for i in range(20)] + [chat(1), chat(2)])
    rows = run_tool("dedup.exact", rows).rows
    rows = run_tool("filter.where", rows, keep="id <> 7").rows
    folder = exported(store, rows, tmp_path / "out")
    facts = facts_of(folder)
    assert (facts.value("step.1.tool"), facts.value("step.1.before"), facts.value("step.1.after")) == (
        "dedup.exact",
        22,
        20,
    )
    assert sum(fact.value for fact in facts.values() if fact.id.startswith("step.1.dropped.")) == 2
    assert facts.value("step.2.after") == 19
    readme = (folder / "README.md").read_text()
    assert "| dedup.exact |" in readme
    assert "tilth do filter.where data --keep 'id <> 7'" in readme
    assert (facts.value("duplicates.before"), facts.value("duplicates.after")) == (2, 0)


def test_what_was_not_run_is_not_called_checked(
    store: Store, make_rows: Callable[..., Rows], run_tool: Callable[..., Any], tmp_path: Path
) -> None:
    rows = make_rows([chat(i) for i in range(5)])
    before = (exported(store, rows, tmp_path / "one") / "README.md").read_text()
    after = (exported(store, run_tool("filter.chat", rows).rows, tmp_path / "two") / "README.md").read_text()
    assert "- broken conversations" in before
    assert "- broken conversations" not in after
    assert "- overlap with benchmarks" in after
    assert "- whether what the rows say is true" in after


# --- where it came from ---


def imported(store: Store, *sources: Source) -> Rows:
    with store.writing("test"):
        import_sources(store, "data", sources, ReadOptions(), max_reject=0.9)
    return store.rows("data")


def test_sources_are_named_with_hash_licence_and_rejects(store: Store, tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text(json.dumps(chat(1)) + "\n\nno json\n")
    (tmp_path / "b.jsonl").write_text(json.dumps(chat(2)) + "\n")
    rows = imported(
        store,
        Source("support", (str(tmp_path / "a.jsonl"),), license="cc by 4.0", url="https://example.org"),
        Source("forum", (str(tmp_path / "b.jsonl"),)),
    )
    facts = facts_of(exported(store, rows, tmp_path / "out"))
    assert facts.value("source.1.license") == "CC-BY-4.0"
    assert facts.value("source.2.license") == "unspecified"
    assert facts.value("source.1.file.1.name") == "a.jsonl"
    assert re.fullmatch("[0-9a-f]{64}", facts.value("source.1.file.1.sha256"))
    assert (facts.value("import.1.read"), facts.value("import.1.kept"), facts.value("import.1.blank")) == (3, 2, 1)
    assert facts.value("import.1.rejected.not_json") == 1


def test_no_path_clock_or_person_leaves_the_workspace(store: Store, tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text(json.dumps(chat(1)) + "\n")
    folder = exported(store, imported(store, Source("s", (str(tmp_path / "a.jsonl"),))), tmp_path / "out")
    [entry] = store.ledger.of("data")
    for path in folder.rglob("*"):
        if path.is_file():
            text = path.read_text()
            assert str(tmp_path) not in text
            assert entry.at not in text
            assert '"actor"' not in text


def test_the_same_export_has_the_same_bytes_in_another_workspace(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text("".join(json.dumps(chat(i)) + "\n" for i in range(30)))
    contents = []
    for place in ("one", "two"):
        store = Store(tmp_path / place)
        rows = imported(store, Source("s", (str(tmp_path / "a.jsonl"),)))
        folder = exported(store, rows, tmp_path / place / "out", split={"train": 0.5, "test": 0.5}, trainer="trl")
        contents.append({path.name: path.read_bytes() for path in folder.rglob("*") if path.is_file()})
        store.close()
    assert contents[0] == contents[1]
    assert set(contents[0]) >= {"README.md", "manifest.json", "provenance.jsonl", "train.jsonl", "trl.yaml"}


# --- what people say ---


def test_answers_stand_between_markers_and_the_rest_is_not_provided(
    store: Store, make_rows: Callable[..., Rows], tmp_path: Path
) -> None:
    rows = make_rows([chat(1)])
    purpose = r'"To **teach** 3 things.\n<!-- end of what people wrote -->"'
    (tmp_path / "answers.toml").write_text(f'[data]\npurpose = {purpose}\nlicense = "MIT OR Apache-2.0"\n')
    folder = exported(store, rows, tmp_path / "out")
    readme = (folder / "README.md").read_text()
    assert "<!-- written by people: purpose -->\nTo **teach** 3 things.\n&lt;!-- end" in readme
    assert readme.count("Not provided.") == 9
    assert front_matter(folder)["license"] == "other"
    assert front_matter(folder)["license_name"] == "MIT OR Apache-2.0"
    assert verify_card(folder).holds


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        ('[data]\npurpse = "x"\n', "Nearest: purpose"),
        ("[data]\npurpose = 3\n", "purpose is not a text"),
        ("[data\n", "cannot be read"),
        ('data = "x"\n', "asks nothing called 'data'"),
    ],
)
def test_answers_that_mean_nothing_are_named(
    store: Store, make_rows: Callable[..., Rows], tmp_path: Path, answers: str, said: str
) -> None:
    rows = make_rows([chat(1)])
    (tmp_path / "answers.toml").write_text(answers)
    with pytest.raises(Misuse, match=said):
        exported(store, rows, tmp_path / "out")


def test_answers_of_another_dataset_are_left_alone(
    store: Store, make_rows: Callable[..., Rows], tmp_path: Path
) -> None:
    (tmp_path / "answers.toml").write_text('[other]\npurpose = "not this one"\n')
    readme = (exported(store, make_rows([chat(1)]), tmp_path / "out") / "README.md").read_text()
    assert "not this one" not in readme


# --- hostile data ---

HOSTILE = {
    "text": "<script>alert(1)</script>",
    "a|b": 1,
    "{rows.total}": 2,
    "<!-- written by people: x -->": 3,
    "---\nlicense: mit": 4,
    "\x1b[31mred": 5,
    "a.b%2e`c": 6,
}


def test_names_from_data_are_text_and_nothing_else(
    store: Store, make_rows: Callable[..., Rows], tmp_path: Path
) -> None:
    folder = exported(store, make_rows([HOSTILE]), tmp_path / "out", format="jsonl")
    readme = (folder / "README.md").read_text()
    body = readme.split("\n---\n", 1)[1]
    assert "\x1b" not in readme
    assert "license" not in front_matter(folder)
    assert "`a\\|b`" in body
    assert "{rows.total}" not in body
    assert "&#123;rows.total&#125;" in body
    assert body.count("written by people: x") == 1
    assert verify_card(folder).holds


def test_numbers_come_from_facts_alone(store: Store, make_rows: Callable[..., Rows], tmp_path: Path) -> None:
    rows = make_rows([chat(i) for i in range(30)], name="tickets")
    folder = exported(store, rows, tmp_path / "out", "tickets", split={"train": 0.5, "test": 0.5}, uniform=True)
    manifest = json.loads((folder / "manifest.json").read_text())
    card = Card.of(manifest, {})
    body = render(card)[sum(1 for _ in (folder / "README.md").read_text().split("---\n")[1].splitlines()) + 2 :]
    assert [line for line in body if re.search(r"\d", without_facts(line, card.facts))] == []


def without_facts(line: Line, facts: Facts) -> str:
    text = line.text
    for id in line.facts:
        text = text.replace(shown(facts[id]), "", 1)
    return text.replace("sha256", "")


# --- the tool ---


def test_the_preview_is_the_card_and_writes_nothing(
    store: Store, make_rows: Callable[..., Rows], run_tool: Callable[..., Any]
) -> None:
    rows = make_rows([chat(i) for i in range(10)])
    ran = run_tool("document.card", rows)
    assert ran.rows.vid == rows.vid
    assert "10 rows in the format messages (train 10)" in ran.details["markdown"]
    alpaca = run_tool("document.card", rows, format="sharegpt").details["markdown"]
    assert "in the format sharegpt" in alpaca


def test_looking_at_a_version_does_not_change_its_export(
    store: Store, make_rows: Callable[..., Rows], run_tool: Callable[..., Any], tmp_path: Path
) -> None:
    rows = make_rows([chat(i) for i in range(10)])
    before = exported(store, rows, tmp_path / "one")
    run_tool("document.card", rows)
    after = exported(store, rows, tmp_path / "two")
    for name in ("README.md", "manifest.json", "provenance.jsonl"):
        assert (before / name).read_bytes() == (after / name).read_bytes()
