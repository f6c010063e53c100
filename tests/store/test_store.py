"""Addresses, undo and redo, tags, and the lock that orders writers while readers go on."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tilth.agent.workspace import Workspace
from tilth.tools.errors import BadInput, Busy, Misuse, Refused
from tilth.tools.store.store import Store, check_name


@pytest.fixture
def workspace(tmp_path):
    path = tmp_path / "notes.jsonl"
    path.write_text("".join(json.dumps({"text": f"note {i}"}) + "\n" for i in range(20)))
    with Workspace(tmp_path) as opened:
        opened.add(path)
        yield opened


def keep(workspace: Workspace, predicate: str) -> str:
    return workspace.do("filter.where", "notes", keep=predicate).version.vid


def test_every_form_of_address_finds_its_version(workspace):
    first = workspace.rows("notes").vid
    second = keep(workspace, "line <= 10")
    third = keep(workspace, "line <= 5")
    workspace.tag("notes~1", "ten")
    resolve = workspace.store.resolve
    assert resolve("notes") == ("notes", third)
    assert resolve("notes~1") == resolve("notes@ten") == resolve(f"notes@{second[:6]}") == ("notes", second)
    assert resolve("notes~2") == ("notes", first)


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("note", "Nearest: notes"),
        ("notes~7", "oldest is notes~0"),
        ("notes@nope", "neither a tag"),
        ("notes@", "is no address"),
        ("", "is no address"),
    ],
)
def test_a_wrong_address_names_the_nearest(workspace, address, told):
    with pytest.raises(Misuse, match=told):
        workspace.store.resolve(address)


def test_an_unknown_tag_is_answered_with_the_tags_there_are(workspace):
    workspace.tag("notes", "release-1")
    for keeping in (10, 5):
        keep(workspace, f"line <= {keeping}")
    with pytest.raises(Misuse, match=r"of notes\. (Valid|Nearest): release-1\. 'tilth log notes' lists its versions"):
        workspace.store.resolve("notes@nope")


def test_a_tag_is_moved_only_on_purpose(workspace):
    first = workspace.rows("notes").vid
    workspace.tag("notes", "release-1")
    second = keep(workspace, "line <= 10")
    entries = len(workspace.log())
    with pytest.raises(Misuse, match=rf"notes@release-1 is {first[:16]} already; .* say --move"):
        workspace.tag("notes", "release-1")
    assert workspace.store.resolve("notes@release-1")[1] == workspace.tag("notes~1", "release-1") == first
    assert len(workspace.log()) == entries
    assert workspace.tag("notes", "release-1", move=True) == workspace.store.resolve("notes@release-1")[1] == second
    with pytest.raises(Misuse, match="release-1 is the current version of notes"):
        workspace.undo("notes", to="release-1")


def test_undo_and_redo_go_through_all_versions_and_never_lose_one(workspace):
    vids = [workspace.rows("notes").vid, keep(workspace, "line <= 10"), keep(workspace, "line <= 5")]
    assert [workspace.undo("notes"), workspace.undo("notes")] == [vids[1], vids[0]]
    with pytest.raises(Misuse, match="first version"):
        workspace.undo("notes")
    assert [workspace.redo("notes"), workspace.redo("notes")] == vids[1:]
    with pytest.raises(Misuse, match="nothing to redo"):
        workspace.redo("notes")
    assert workspace.undo("notes", to=vids[0][:8]) == vids[0]
    assert [len(workspace.store.rows_of(vid)) for vid in vids] == [20, 10, 5]


def test_gc_spares_undo_and_takes_what_a_killed_command_left(workspace):
    kept = keep(workspace, "line <= 10")
    workspace.undo("notes")
    orphan = workspace.store.objects.put(workspace.rows("notes").arrow(("ord",)))
    assert workspace.gc()["objects"] == 1
    assert not workspace.store.objects.holds(orphan)
    assert workspace.redo("notes") == kept
    assert len(workspace.rows("notes")) == 10
    assert workspace.verify_log() == []


def test_gc_waits_for_readers_in_other_processes(workspace):
    reader = Store(workspace.root)
    with pytest.raises(Busy, match="reading"):
        workspace.gc()
    reader.close()
    workspace.gc()


def test_a_changed_or_missing_object_is_found(workspace):
    keep(workspace, "line <= 10")
    victim = next((workspace.root / ".tilth" / "objects").glob("*/*.parquet"))
    victim.chmod(0o644)
    victim.write_bytes(victim.read_bytes()[:-1] + b"x")
    assert any("bytes have changed" in fault for fault in workspace.verify_log())
    victim.unlink()
    assert any("missing" in fault or "lacks" in fault for fault in workspace.verify_log())


def test_a_second_writer_is_told_what_to_do_while_readers_go_on(workspace):
    other = (
        "import sys; from pathlib import Path; from tilth.tools.store.store import Store\n"
        "store = Store(Path(sys.argv[1]))\n"
        "with store.writing('tilth run long.yaml'):\n"
        "    print('locked', flush=True); sys.stdin.read()\n"
    )
    command = [sys.executable, "-c", other, str(workspace.root)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and process.stdin is not None
        assert process.stdout.readline() == "locked\n"
        with pytest.raises(Busy, match=rf"process {process.pid}: tilth run long.yaml.*Wait"):
            keep(workspace, "line < 3")
        assert len(workspace.show("notes")) == 10
        process.stdin.close()
    keep(workspace, "line < 3")


def test_two_writers_taking_turns_never_break_the_chain(tmp_path):
    (tmp_path / "a.txt").write_text("one\ntwo\n")
    script = (
        "import sys, itertools; from tilth.agent.workspace import Workspace; from tilth.tools.errors import Busy\n"
        "ws = Workspace(__import__('pathlib').Path(sys.argv[1])); done = 0\n"
        "while done < 15:\n"
        "    try: ws.add(sys.argv[1] + '/a.txt', name=f'{sys.argv[2]}{done}'); done += 1\n"
        "    except Busy: pass\n"
    )
    both = [subprocess.Popen([sys.executable, "-c", script, str(tmp_path), name]) for name in ("left", "right")]
    assert [one.wait(120) for one in both] == [0, 0]
    with Workspace(tmp_path) as workspace:
        assert workspace.verify_log() == []
        assert len(workspace.datasets()) == 30


def test_a_lagging_ref_is_rolled_forward_from_the_ledger(workspace):
    vid = keep(workspace, "line <= 10")
    ref = workspace.root / ".tilth" / "refs" / "notes"
    ref.write_text("0000000000000000\n")
    with workspace.store.writing("test"):
        pass
    assert ref.read_text() == f"{vid}\n"


def test_tmp_is_swept_by_the_next_writer(workspace):
    (workspace.root / ".tilth" / "tmp" / "left-behind.parquet").write_bytes(b"x")
    keep(workspace, "line <= 10")
    assert list((workspace.root / ".tilth" / "tmp").iterdir()) == []


@pytest.mark.parametrize("name", ["Con", "con", "a/b", "..", "", "-a", "x" * 65, "list", "É"])
def test_names_that_are_no_safe_file_names_are_refused(name):
    with pytest.raises(Misuse, match="cannot name a dataset"):
        check_name(name)


def test_importing_again_needs_a_word_and_an_append_gives_repetitions_new_ids(workspace, tmp_path):
    with pytest.raises(Misuse, match="--append"):
        workspace.add(tmp_path / "notes.jsonl")
    workspace.add(tmp_path / "notes.jsonl", append=True)
    ids = workspace.rows("notes").arrow(("row_id",))["row_id"].to_pylist()
    assert len(ids) == len(set(ids)) == 40
    workspace.add(tmp_path / "notes.jsonl", replace=True)
    assert len(workspace.rows("notes")) == 20
    workspace.undo("notes")
    assert len(workspace.rows("notes")) == 40


def test_appending_gives_the_ids_that_importing_both_at_once_gives(tmp_path):
    for name in ("a", "b"):
        (tmp_path / f"{name}.jsonl").write_text('{"text": "same"}\n{"text": "' + name + '"}\n')
    with Workspace(tmp_path) as workspace:
        workspace.add(tmp_path / "a.jsonl", tmp_path / "b.jsonl", name="whole")
        workspace.add(tmp_path / "a.jsonl", name="parts")
        workspace.do("filter.where", "parts", drop="text = 'same'")
        workspace.add(tmp_path / "b.jsonl", name="parts", append=True)
        ids = [workspace.rows(name).arrow(("row_id",))["row_id"].to_pylist() for name in ("whole", "parts")]
    assert ids[1] == ids[0][1:]


def test_bytes_of_another_encoding_are_told_how_to_be_read(tmp_path):
    path = tmp_path / "of old.jsonl"
    path.write_bytes('{"text": "café"}\n{"text": "olé"}\n'.encode("latin-1"))
    with Workspace(tmp_path) as workspace:
        with pytest.raises(Refused) as raised:
            workspace.add(path)
        command = shlex.split(raised.value.next_step.partition("name it: ")[2])
        assert command == ["tilth", "import", "of-old", str(path), "--encoding", "latin-1"]
        assert workspace.add(path, encoding="latin-1").kept == 2


def test_a_recipe_is_told_what_to_write_into_it(tmp_path):
    (tmp_path / "a.jsonl").write_text('{"text": "fine"}\n{broken\n')
    (tmp_path / "r.yaml").write_text("recipe: 1\ndataset: d\nsources: [{name: a, paths: [a.jsonl]}]\nsteps: []\n")
    with Workspace(tmp_path) as workspace, pytest.raises(Refused) as raised:
        workspace.run(tmp_path / "r.yaml")
    assert raised.value.next_step.endswith("max_reject: 0.5 in the recipe")


def test_too_many_rejects_change_nothing_and_name_each(tmp_path):
    path = tmp_path / "mixed.jsonl"
    path.write_text('{"text": "fine"}\n{broken\n{"text": NaN}\n')
    with Workspace(tmp_path) as workspace:
        with pytest.raises(Refused, match="2 of 3 records are bad") as raised:
            workspace.add(path)
        assert raised.value.next_step.endswith(f"tilth import mixed {path} --max-reject 0.67")
        assert workspace.datasets() == []
        done = workspace.add(path, max_reject=0.9)
        assert (done.read, done.kept, done.rejected) == (3, 1, {"nan_or_infinity": 1, "not_json": 1})
        assert done.rejects is not None
        lines = [json.loads(line) for line in done.rejects.read_text().splitlines()]
        assert [(Path(line["file"]).name, line["line"], line["offset"]) for line in lines] == [
            ("mixed.jsonl", 2, 17), ("mixed.jsonl", 3, 25)]  # fmt: skip


def test_an_empty_file_is_said_to_be_empty(tmp_path):
    (tmp_path / "empty.jsonl").write_bytes(b"")
    with Workspace(tmp_path) as workspace, pytest.raises(BadInput, match=r"empty\.jsonl.*no records"):
        workspace.add(tmp_path / "empty.jsonl")


def test_a_torn_array_is_refused_and_its_beginning_can_be_had(tmp_path):
    path = tmp_path / "torn.json"
    path.write_text('[{"text": "one"}, {"text": "two"}, {"text": oops}, {"text": "four"}]')
    with Workspace(tmp_path) as workspace:
        with pytest.raises(Refused, match="nothing can be told apart"):
            workspace.add(path, max_reject=0.5)
        assert workspace.datasets() == []
        done = workspace.add(path, max_reject=1)
        assert (done.kept, sum(done.rejected.values())) == (2, 1)


def test_a_typed_row_is_edited_and_read_back(tmp_path):
    import decimal

    import pyarrow as pa
    import pyarrow.parquet as pq

    prices = pa.array([decimal.Decimal("1.50")] * 2, pa.decimal256(50, 2))
    table = pa.table({"text": ["cafÃ©", "fine"], "price": prices})
    pq.write_table(table, tmp_path / "typed.parquet")
    with Workspace(tmp_path) as workspace:
        workspace.add(tmp_path / "typed.parquet")
        assert workspace.do("clean.unicode", "typed").result["edits"] == {"mojibake": 1}
        record = workspace.rows("typed").arrow()["record"]
        assert record.type.field("price").type == pa.decimal256(50, 2)
        assert record.to_pylist() == [{"text": "café", "price": decimal.Decimal("1.50")},
                                      {"text": "fine", "price": decimal.Decimal("1.50")}]  # fmt: skip
