"""Remote sources: copied once, noted with revision and sha256, held to the lock, and told in one sentence when gone."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import fsspec
import pytest

from tilth.agent.workspace import Workspace
from tilth.tools.errors import Misuse, Refused, Unavailable
from tilth.tools.store.ingest import Source, fetch, remote
from tilth.tools.store.ingest.files import find_files


def lines(*texts: str) -> bytes:
    return b"".join(json.dumps({"text": text}).encode() + b"\n" for text in texts)


class Web:
    """Files by path, served with a tag each; `status` answers everything instead."""

    def __init__(self, answering: Callable[..., Any]) -> None:
        self.files: dict[str, bytes] = {}
        self.status: int | None = None
        self.server = answering(self.answer)
        self.url: str = self.server.url

    def answer(self, asked: Any) -> tuple[int, dict[str, str], bytes]:
        data = self.files.get(asked.path)
        tag = f'"{hashlib.sha256(data or b"").hexdigest()[:8]}"'
        known = asked.headers.get("If-None-Match") == tag
        status = self.status or (404 if data is None else 304 if known else 200)
        return status, {"ETag": tag}, data if status == 200 and data is not None else b""


@pytest.fixture
def web(answering: Callable[..., Any]) -> Web:
    return Web(answering)


@pytest.fixture
def bucket() -> Iterator[fsspec.AbstractFileSystem]:
    system = fsspec.filesystem("memory")
    system.store.clear()
    system.pseudo_dirs[:] = [""]
    yield system
    system.store.clear()


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    with Workspace(tmp_path) as opened:
        yield opened


def files_of(workspace: Workspace, name: str) -> list[dict]:
    return [file for source in workspace.log(name)[-1].details["sources"] for file in source["files"]]


def test_a_file_over_http_becomes_rows_with_revision_and_sha(workspace: Workspace, web: Web) -> None:
    web.files["/train.jsonl"] = lines("one", "two")
    workspace.add(f"{web.url}/train.jsonl?download=1", name="notes")
    (file,) = files_of(workspace, "notes")
    assert file["path"] == f"{web.url}/train.jsonl?download=1"
    assert file["sha256"] == hashlib.sha256(web.files["/train.jsonl"]).hexdigest()
    assert file["revision"].startswith('"')
    table = workspace.rows("notes").arrow(("file", "split"))
    assert table["file"].to_pylist() == [file["path"]] * 2
    assert table["split"].to_pylist() == ["train"] * 2
    assert workspace.why(f"{file['path']}:2").revisions[0].record == {"text": "two"}


def test_unchanged_bytes_are_not_fetched_again_and_changed_ones_are(tmp_path: Path, web: Web) -> None:
    web.files["/a.jsonl"] = lines("one")
    source = Source("s", (f"{web.url}/a.jsonl",))
    first = fetch([source], tmp_path)[0].copies
    assert fetch([source], tmp_path)[0].copies == first
    web.files["/a.jsonl"] = lines("two")
    (second,) = fetch([source], tmp_path)[0].copies
    assert [asked.status for asked in web.server.asked] == [200, 304, 200]
    assert second.sha256 != first[0].sha256 and Path(second.at).read_bytes() == lines("two")


def test_a_copy_that_was_touched_is_fetched_again(tmp_path: Path, web: Web) -> None:
    web.files["/a.jsonl"] = lines("one")
    source = Source("s", (f"{web.url}/a.jsonl",))
    (copy,) = fetch([source], tmp_path)[0].copies
    Path(copy.at).write_bytes(b"other")
    assert Path(fetch([source], tmp_path)[0].copies[0].at).read_bytes() == lines("one")


def test_a_bucket_gives_files_globs_and_folders(tmp_path: Path, bucket: fsspec.AbstractFileSystem) -> None:
    for name in ("w46/train.jsonl", "w46/test/part-0.jsonl", "w46/README.md", "w47/x.jsonl"):
        bucket.pipe(f"/drops/{name}", lines(name))
    told = {}
    for path in ("memory://drops/w46", "memory://drops/*/x.jsonl", "memory://drops/w46/train.jsonl"):
        (source,) = fetch([Source("s", (path,))], tmp_path)
        told[path] = [(found.path, found.split) for found in find_files(source)]
    assert told == {
        "memory://drops/w46": [
            ("memory:///drops/w46/test/part-0.jsonl", "test"),
            ("memory:///drops/w46/train.jsonl", "train"),
        ],
        "memory://drops/*/x.jsonl": [("memory:///drops/w47/x.jsonl", None)],
        "memory://drops/w46/train.jsonl": [("memory:///drops/w46/train.jsonl", "train")],
    }


def recipe(folder: Path, *paths: str) -> Path:
    path = folder / "r.yaml"
    sources = [{"name": f"s{i}", "paths": [one]} for i, one in enumerate(paths)]
    path.write_text(f"recipe: 1\ndataset: notes\nsources: {json.dumps(sources)}\nsteps:\n  - dedup.exact\n")
    return path


def test_a_recipe_names_local_and_remote_sources_side_by_side(
    workspace: Workspace, bucket: fsspec.AbstractFileSystem, tmp_path: Path
) -> None:
    bucket.pipe("/drops/a.jsonl", lines("far", "near"))
    (tmp_path / "b.jsonl").write_bytes(lines("near"))
    path = recipe(tmp_path, "memory://drops/a.jsonl", "b.jsonl")
    ran = workspace.run(path)
    assert ran.result["after"] == 2
    lock = json.loads((tmp_path / "r.lock.json").read_text())
    (far,), (near,) = (source["files"] for source in lock["sources"])
    assert (far["path"], near["path"]) == ("memory:///drops/a.jsonl", "b.jsonl")
    assert far["revision"] and "revision" not in near
    assert str(tmp_path) not in json.dumps(lock)
    assert workspace.run(path, locked=True).reused == 2
    assert "memory://drops/a.jsonl" in workspace.recipe("notes")


def test_the_same_bytes_under_a_new_revision_keep_the_lock(
    workspace: Workspace, bucket: fsspec.AbstractFileSystem, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    bucket.pipe("/drops/a.jsonl", lines("far"))
    path = recipe(tmp_path, "memory://drops/a.jsonl")
    workspace.run(path)
    bucket.pipe("/drops/a.jsonl", lines("far"))
    clone = tmp_path_factory.mktemp("clone")
    for name in ("r.yaml", "r.lock.json"):
        (clone / name).write_bytes((tmp_path / name).read_bytes())
    with Workspace(clone) as elsewhere:
        elsewhere.run(clone / "r.yaml", locked=True)


def test_changed_upstream_bytes_are_named_under_a_lock(
    workspace: Workspace, bucket: fsspec.AbstractFileSystem, tmp_path: Path
) -> None:
    bucket.pipe("/drops/a.jsonl", lines("far"))
    path = recipe(tmp_path, "memory://drops/a.jsonl")
    version = workspace.run(path).version
    bucket.pipe("/drops/a.jsonl", lines("farther"))
    with pytest.raises(Refused, match=r"memory:///drops/a\.jsonl has changed upstream"):
        workspace.run(path, locked=True)
    assert workspace.rows("notes").vid == version


def test_what_cannot_be_reached_is_one_sentence(tmp_path: Path, web: Web) -> None:
    def one(path: str) -> str:
        with pytest.raises((Misuse, Unavailable)) as caught:
            fetch([Source("s", (path,))], tmp_path)
        assert "\n" not in str(caught.value)
        return f"{caught.value.exit_code} {caught.value.args[0]}"

    web.files["/a.jsonl"] = lines("one")
    assert one(f"{web.url}/b.jsonl") == f"2 There is no file {web.url}/b.jsonl (404)."
    web.status = 503
    assert one(f"{web.url}/a.jsonl") == f"3 {web.url}/a.jsonl cannot be reached: the server answered 503."
    web.status = 403
    assert one(f"{web.url}/a.jsonl").startswith("2 ") and "credentials" in one(f"{web.url}/a.jsonl")
    web.status, web.server.cut = None, 3
    assert "bytes came" in one(f"{web.url}/a.jsonl")
    assert not list(tmp_path.rglob("*.jsonl"))
    closed = "http://127.0.0.1:1/a.jsonl"
    assert one(closed).startswith(f"3 {closed} cannot be reached: ")
    assert "no way to read ftp://" in one("ftp://host/a.jsonl")


def test_a_missing_file_in_a_bucket_names_the_nearest(bucket: fsspec.AbstractFileSystem, tmp_path: Path) -> None:
    bucket.pipe("/drops/tickets.jsonl", lines("one"))
    with pytest.raises(Misuse, match=r"Nearest: tickets\.jsonl"):
        fetch([Source("s", ("memory://drops/ticket.jsonl",))], tmp_path)
    with pytest.raises(Misuse, match="No file matches"):
        fetch([Source("s", ("memory://drops/*.csv",))], tmp_path)


@pytest.mark.parametrize(
    "path",
    [
        "https://someone:secret@host/a.jsonl",
        "https://host/a.jsonl?X-Amz-Signature=abc",
        "https://host/a.jsonl?access_token=abc",
    ],
)
def test_an_address_with_a_credential_is_refused_and_not_repeated(path: str, tmp_path: Path) -> None:
    with pytest.raises(Misuse, match="holds a credential") as caught:
        fetch([Source("s", (path,))], tmp_path)
    assert "secret" not in str(caught.value) and "abc" not in str(caught.value)


def test_without_its_package_a_scheme_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(name: str) -> None:
        raise ImportError(name)

    monkeypatch.setattr(remote.importlib, "import_module", absent)
    with pytest.raises(Misuse, match=r"needs fsspec\..*tilth\[remote\]"):
        fetch([Source("s", ("s3://bucket/a.jsonl",))], tmp_path)
    monkeypatch.undo()

    def driverless(scheme: str) -> None:
        raise ImportError("no driver")

    monkeypatch.setattr(fsspec, "filesystem", driverless)
    with pytest.raises(Misuse, match=r"needs s3fs\..*tilth\[remote\]"):
        fetch([Source("s", ("s3://bucket/a.jsonl",))], tmp_path)


def test_nothing_of_the_network_is_loaded_before_it_is_asked_for() -> None:
    code = (
        "import sys, socket; socket.socket.connect = None; import tilth.tools.store.importing, tilth.agent.recipes.run; "
        "print('fsspec' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
