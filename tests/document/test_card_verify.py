"""No number of a card and no byte of its files can change without being named."""

from __future__ import annotations

import json
import random
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tilth.tools.document._facts import CardFact, Facts, name_of, part
from tilth.tools.document._render import Card, Line, render, text
from tilth.tools.document._verify import _differing, _without_answers
from tilth.tools.document.card import Verified, verify_card, write_card
from tilth.tools.errors import BadInput, Misuse
from tilth.tools.store.export import write_data
from tilth.tools.store.importing import import_sources
from tilth.tools.store.ingest import ReadOptions, Source
from tilth.tools.store.store import Store


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An export with a funnel, losses, two splits and an answer."""
    root = tmp_path_factory.mktemp("workspace")
    records = []
    for i in range(80):
        turns = [{"role": "user", "content": f"Could you tell me about number {i}?"}]
        turns += [{"role": "assistant", "content": "Gladly, here is what I know. " * (i % 5 + 1), "name": "bo"}]
        records.append({"messages": turns, "id": i, **({"tag": "a"} if i % 3 else {})})
    (root / "chats.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records))
    (root / "answers.toml").write_text('[data]\npurpose = "To help 100 people."\n')
    store = Store(root)
    with store.writing("test"):
        import_sources(store, "data", [Source("chats", (str(root / "chats.jsonl"),))], ReadOptions())
    rows = store.rows("data")
    written = write_data(rows, root / "out", format="sharegpt", split={"train": 0.7, "test": 0.3})
    write_card(store, "data", rows.vid, root / "out", written)
    store.close()
    return root / "out"


@pytest.fixture
def folder(original: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(original, tmp_path / "copy"))


def named(verified: Verified) -> set[str]:
    return {drift.fact for drift in verified.drifted}


def test_an_untouched_export_holds(folder: Path) -> None:
    verified = verify_card(folder)
    assert verified.holds
    assert verified.checked_from_export > 30
    assert verified.checked_from_ledger > 10


def test_it_needs_no_workspace_and_no_network(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: Any, **more: Any) -> None:
        raise AssertionError("the network was asked")

    monkeypatch.setattr("socket.socket.connect", refuse)
    assert verify_card(folder).holds


def test_what_is_no_export_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(Misuse, match="no export of tilth"):
        verify_card(tmp_path)


@pytest.mark.parametrize("left", [0, 40, 500])
def test_a_manifest_that_was_cut_is_damaged(folder: Path, left: int) -> None:
    path = folder / "manifest.json"
    path.write_bytes(path.read_bytes()[:left])
    with pytest.raises(BadInput, match=r"manifest\.json is damaged"):
        verify_card(folder)


def number_spans(readme: str) -> list[tuple[int, int]]:
    """Where numbers stand in a README, outside of what people wrote."""
    human = [m.span() for m in re.finditer(r"<!-- written by.*?end of what people wrote -->", readme, re.DOTALL)]
    return [m.span() for m in re.finditer(r"\d[\d,.]*\d|\d", readme) if not any(a <= m.start() < b for a, b in human)]


def test_every_number_in_the_card_is_bound(folder: Path) -> None:
    """Each number, changed alone, is found; and what is named is a fact of that line, if it has any."""
    readme = (folder / "README.md").read_text()
    card = Card.of(json.loads((folder / "manifest.json").read_text()), {})
    expected = render(card)
    spans = number_spans(readme)
    assert len(spans) > 60
    for start, end in spans:
        digit = readme[start]
        changed = readme[:start] + ("7" if digit != "7" else "8") + readme[start + 1 :]
        have = _without_answers([Line(line) for line in changed.removesuffix("\n").split("\n")])
        drifts = [
            drift
            for line, now in zip(_without_answers(expected), have, strict=True)
            if line.text != now.text
            for drift in _differing(card.facts, [line], [now.text])
        ]
        assert drifts, readme[max(0, start - 30) : end + 10]
        [line] = [one for one, now in zip(_without_answers(expected), have, strict=True) if one.text != now.text]
        assert {drift.fact for drift in drifts} <= {*line.facts} or not line.facts


@pytest.mark.parametrize("seed", range(5))
def test_a_changed_number_is_named_by_its_fact(folder: Path, seed: int) -> None:
    readme = (folder / "README.md").read_text()
    start, end = random.Random(seed).choice(number_spans(readme))
    digit = readme[start]
    changed = readme[:start] + ("3" if digit != "3" else "4") + readme[start + 1 :]
    (folder / "README.md").write_text(changed)
    verified = verify_card(folder)
    assert not verified.holds
    assert all(readme[start:end] in str(drift.found) for drift in verified.drifted)


def test_the_row_count_is_named(folder: Path) -> None:
    path = folder / "README.md"
    path.write_text(path.read_text().replace("80 rows in the format", "81 rows in the format"))
    [drift] = verify_card(folder).drifted
    assert drift.fact == "rows.total"
    assert drift.said.startswith("81 rows")


def test_lines_added_or_taken_away_are_named(folder: Path) -> None:
    path = folder / "README.md"
    whole = path.read_text()
    path.write_text(whole.replace("## Sources", "Reviewed by 12 experts.\n\n## Sources"))
    assert verify_card(folder).drifted[0].said == "Reviewed by 12 experts."
    path.write_text(whole.replace("- whether what the rows say is true\n", ""))
    assert not verify_card(folder).holds


def test_people_may_edit_what_is_theirs(folder: Path) -> None:
    path = folder / "README.md"
    path.write_text(path.read_text().replace("To help 100 people.", "To help 200 people,\n\nand their 3 dogs."))
    assert verify_card(folder).holds


def test_a_marker_taken_away_hides_nothing(folder: Path) -> None:
    path = folder / "README.md"
    path.write_text(path.read_text().replace("<!-- end of what people wrote -->", "", 1))
    assert not verify_card(folder).holds


def test_every_changed_byte_of_a_file_is_named(folder: Path) -> None:
    rng = random.Random(1)
    for path in [folder / "data/train.jsonl", folder / "data/test.jsonl", folder / "provenance.jsonl"]:
        whole = path.read_bytes()
        for at in rng.sample(range(len(whole)), 3):
            path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
            assert f"file:{path.relative_to(folder)}" in named(verify_card(folder))
        path.write_bytes(whole)
    assert verify_card(folder).holds


def test_a_changed_row_drifts_in_its_facts_too(folder: Path) -> None:
    path = folder / "data/train.jsonl"
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(lines[1:]))
    assert {"file:data/train.jsonl", "rows.total", "split.train.rows", "bytes.total"} <= named(verify_card(folder))


def test_a_file_that_is_gone_or_broken_is_named(folder: Path) -> None:
    (folder / "data/test.jsonl").write_text('{"conversations": [\n')
    assert "file:data/test.jsonl" in named(verify_card(folder))
    (folder / "data/test.jsonl").unlink()
    (folder / "provenance.jsonl").unlink()
    (folder / "README.md").unlink()
    assert {"file:data/test.jsonl", "file:provenance.jsonl", "file:README.md"} <= named(verify_card(folder))


def test_a_manifest_that_lies_is_found_out(folder: Path) -> None:
    path = folder / "manifest.json"
    manifest = json.loads(path.read_text())
    for i, fact in enumerate(manifest["facts"]):
        if type(fact["value"]) is not int:
            continue
        forged = json.loads(path.read_text())
        forged["facts"][i]["value"] += 1
        card = text(render(Card.of(forged, {})))
        copy = Path(shutil.copytree(folder, folder.parent / f"forged-{i}"))
        (copy / "manifest.json").write_text(json.dumps(forged))
        (copy / "README.md").write_text(card)
        assert fact["id"] in named(verify_card(copy))
        shutil.rmtree(copy)
        if i > 25:
            break
    del manifest["facts"][0]["value"]
    path.write_text(json.dumps(manifest))
    assert "file:manifest.json" in named(verify_card(folder))


# --- properties ---

NAMES = st.text(st.characters(exclude_categories=["Cs"]), max_size=10)


@given(NAMES)
def test_a_name_in_a_fact_id_comes_back(name: str) -> None:
    assert name_of(part(name)) == name
    assert not set(".{}\n") & set(part(name))


COUNT = st.integers(0, 10**9)


@given(
    columns=st.dictionaries(NAMES, COUNT, max_size=4),
    roles=st.dictionaries(NAMES, st.lists(COUNT, min_size=5, max_size=5), max_size=3),
    reasons=st.dictionaries(NAMES, COUNT, max_size=4),
    note=NAMES,
    rows=COUNT,
)
def test_whatever_the_facts_the_card_shows_them_and_agrees_with_itself(
    columns: dict[str, int], roles: dict[str, list[int]], reasons: dict[str, int], note: str, rows: int
) -> None:
    found: list[tuple[str, Any, str]] = [("rows.total", rows, "rows"), ("bytes.total", rows, "bytes")]
    found += [
        ("split.train.rows", rows, "rows"),
        ("split.train.share", 1.0, "share"),
        ("split.train.bytes", 1, "bytes"),
    ]
    for name, missing in columns.items():
        found += [(f"column.{part(name)}.type", name, "type"), (f"column.{part(name)}.missing", missing, "rows")]
    for name, values in roles.items():
        keys = ("count", "p5", "p50", "p95", "p100")
        found += [(f"length.{part(name)}.{key}", value, "characters") for key, value in zip(keys, values, strict=True)]
    found += [("step.1.tool", "my.tool", "name"), ("step.1.before", rows, "rows"), ("step.1.after", rows, "rows")]
    found += [(f"step.1.dropped.{part(name)}", count, "rows") for name, count in reasons.items()]
    found += [("step.1.command", note, "command"), ("note.1", note, "sentence"), ("command.export", note, "command")]
    found += [("version", "abc", "id"), ("tilth.version", "0", "id"), ("duplicates.after", 0, "rows")]
    facts = Facts(CardFact(id, value, unit, "m", 0) for id, value, unit in found)
    card = Card("data", "v", "messages", {"train": "data/train.jsonl"}, None, "", facts, {})
    lines = render(card)
    assert text(lines).count("\n") == len(lines)
    told = {id for line in lines for id in line.facts}
    assert {id for id, _, _ in found} <= told
    assert Facts.from_json(json.loads(json.dumps(facts.to_json()))).to_json() == facts.to_json()
    body = lines[lines.index(Line("# data")) :]
    assert all(facts.shown(id) in line.text for line in body for id in line.facts)
