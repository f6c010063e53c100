"""hf://, gs:// and s3:// as people name them: fsspec's drivers, asking servers on loopback that speak their protocols.

Each driver runs in a process of its own, with the variables that point it at a server. Drivers that are not installed
are skipped: the development extra has huggingface-hub; gcsfs and s3fs, which are heavy, come with the extra `remote`.
"""

from __future__ import annotations

import base64
import hashlib
import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import pytest

Files = dict[str, bytes]
Fetched = Callable[..., list[dict[str, Any]]]
Answering = Callable[..., Any]

FETCH = """
import json, sys
from dataclasses import asdict
from pathlib import Path
from tilth.tools.errors import TilthError
from tilth.tools.store.ingest import Source, fetch
for path in sys.argv[2:]:
    try:
        (source,) = fetch([Source("s", (path,))], Path(sys.argv[1]))
        told = [asdict(copy) for copy in source.copies]
    except TilthError as error:
        told = [{"error": str(error), "exit": error.exit_code}]
    print(json.dumps(told))
"""

TRAIN, LATER, TEST = b'{"text": "one"}\n', b'{"text": "one, later"}\n', b'{"text": "two"}\n'


@pytest.fixture
def fetched(tmp_path: Path) -> Fetched:
    """`fetched(variables, path, …)`: for each path its copies, or one {"error", "exit"}; nothing may be said aside."""

    def run(variables: Mapping[str, str], *paths: str) -> list[list[dict[str, Any]]]:
        command = [sys.executable, "-c", FETCH, str(tmp_path / "cache"), *paths]
        inherited = {
            name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "GOOGLE_", "HF_"))
        }
        environment = {**inherited, "HOME": str(tmp_path), **variables}
        done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=60)
        assert (done.returncode, done.stderr) == (0, "")
        return [json.loads(line) for line in done.stdout.splitlines()]

    return run


def needs(driver: str) -> pytest.MarkDecorator:
    return pytest.mark.skipif(importlib.util.find_spec(driver) is None, reason=f"{driver} is not installed")


def told(copies: list[dict[str, Any]]) -> dict[str, tuple[str | None, bytes]]:
    """The address of each copy, with its split and its bytes, which are those that were noted."""
    for copy in copies:
        assert hashlib.sha256(Path(copy["at"]).read_bytes()).hexdigest() == copy["sha256"]
    return {copy["path"]: (copy["split"], Path(copy["at"]).read_bytes()) for copy in copies}


def below(files: Files, prefix: str) -> tuple[list[str], list[str]]:
    """The files directly under a prefix that ends in a slash or is empty, and the folders there, with their slash."""
    rest = [name.removeprefix(prefix) for name in sorted(files) if name.startswith(prefix)]
    folders = {one.partition("/")[0] + "/" for one in rest if "/" in one}
    return [prefix + one for one in rest if "/" not in one], [prefix + one for one in sorted(folders)]


# hf://: the endpoints of the hub that HfFileSystem asks: a revision, its tree, a file of it.


def hub(revisions: Mapping[str, Files]) -> Callable[[Any], Any]:
    """One dataset, org/notes, with files at each revision."""

    def missing(what: str) -> Any:
        return 404, {"X-Error-Code": f"{what}NotFound"}, b"{}"

    def entry(files: Files, name: str) -> dict[str, Any]:
        data = files.get(name)
        if data is None:
            return {"type": "directory", "oid": hashlib.sha1(name.encode()).hexdigest(), "size": 0, "path": name}
        return {"type": "file", "oid": hashlib.sha1(data).hexdigest(), "size": len(data), "path": name}

    def answer(asked: Any) -> Any:
        match asked.path.strip("/").split("/"):
            case ["api", "datasets", "org", "notes", *named] if named[:1] in ([], ["revision"]):
                revision = named[1] if named else "main"
                if revision not in revisions:
                    return missing("Revision")
                sha = hashlib.sha1(revision.encode()).hexdigest()
                return 200, {}, json.dumps({"id": "org/notes", "sha": sha}).encode()
            case ["api", "datasets", "org", "notes", "tree", revision, *path]:
                files = revisions[revision]
                folder = "".join(f"{part}/" for part in path)
                names, folders = below(files, folder)
                if asked.query.get("recursive", "").lower() == "true":
                    names = [name for name in files if name.startswith(folder)]
                if not names and not folders:
                    return missing("Entry")
                entries = [entry(files, name.rstrip("/")) for name in (*folders, *names)]
                return 200, {}, json.dumps(entries).encode()
            case ["datasets", "org", "notes", "resolve", revision, *path] if "/".join(path) in revisions[revision]:
                return 200, {}, revisions[revision]["/".join(path)]
            case ["api", "datasets", _, _, *_]:
                return missing("Repo")
        return missing("Entry")

    return answer


@needs("huggingface_hub")
def test_a_dataset_of_the_hub_is_read_at_its_revision(answering: Answering, fetched: Fetched, tmp_path: Path) -> None:
    both = {"data/test/part-0.jsonl": TEST, "README.md": b"# Notes\n"}
    server = answering(hub({"v1": {"data/train.jsonl": TRAIN, **both}, "main": {"data/train.jsonl": LATER, **both}}))
    variables = {"HF_ENDPOINT": server.url, "HF_HOME": str(tmp_path / "hub")}
    first = "hf://datasets/org/notes@v1/data"
    one, folder, latest, again = fetched(
        variables, f"{first}/train.jsonl", first, "hf://datasets/org/notes/data/train.jsonl", first
    )
    assert told(one) == {f"{first}/train.jsonl": ("train", TRAIN)}
    assert told(folder) == {f"{first}/test/part-0.jsonl": ("test", TEST), f"{first}/train.jsonl": ("train", TRAIN)}
    assert [data for _, data in told(latest).values()] == [LATER]
    assert again == folder
    assert all(copy["revision"] for copy in (*one, *folder, *latest))
    downloads = [asked.path for asked in server.asked if "/resolve/" in asked.path]
    assert len(downloads) == len(set(downloads)) == 3


@needs("huggingface_hub")
def test_the_hub_is_asked_for_the_data_and_nothing_else(answering: Answering, fetched: Fetched, tmp_path: Path) -> None:
    server = answering(hub({"v1": {"a.jsonl": TRAIN}}))
    fetched({"HF_ENDPOINT": server.url, "HF_HOME": str(tmp_path / "hub")}, "hf://datasets/org/notes@v1/a.jsonl")
    assert {"/".join(asked.path.split("/")[1:5]) for asked in server.asked} == {
        "api/datasets/org/notes",
        "datasets/org/notes/resolve",
    }


@needs("huggingface_hub")
def test_what_the_hub_does_not_have_is_one_sentence(answering: Answering, fetched: Fetched, tmp_path: Path) -> None:
    server = answering(hub({"v1": {"data/train.jsonl": TRAIN}}))
    variables = {"HF_ENDPOINT": server.url, "HF_HOME": str(tmp_path / "hub")}
    paths = [
        "hf://datasets/org/other@v1/data",
        "hf://datasets/org/notes@v2/data",
        "hf://datasets/org/notes@v1/data/trains.jsonl",
    ]
    for path, (error,) in zip(paths, fetched(variables, *paths), strict=True):
        assert error["exit"] == 2 and path in error["error"] and "\n" not in error["error"]
    assert "Nearest: train.jsonl" in error["error"]


@needs("huggingface_hub")
@pytest.mark.parametrize(("status", "code"), [(401, "RepoNotFound"), (403, "GatedRepo")])
def test_a_dataset_that_is_not_for_everyone_names_the_credentials(
    status: int, code: str, answering: Answering, fetched: Fetched, tmp_path: Path
) -> None:
    server = answering(lambda asked: (status, {"X-Error-Code": code}, b'{"error": "no"}'))
    ((error,),) = fetched({"HF_ENDPOINT": server.url, "HF_HOME": str(tmp_path)}, "hf://datasets/org/notes@v1/data")
    assert error["exit"] == 2 and "credentials" in error["error"]


# gs://: the JSON API of Google Cloud Storage: one object's metadata, a listing in pages, an object's bytes.


def storage(buckets: Mapping[str, Files], page: int = 2) -> Callable[[Any], Any]:
    def item(bucket: str, name: str) -> dict[str, Any]:
        data = buckets[bucket][name]
        digest = base64.b64encode(hashlib.md5(data).digest()).decode()
        return {
            "kind": "storage#object",
            "name": name,
            "bucket": bucket,
            "size": str(len(data)),
            "etag": digest,
            "md5Hash": digest,
            "updated": "2026-11-20T00:00:00Z",
            "timeCreated": "2026-11-20T00:00:00Z",
        }

    def listing(bucket: str, query: Mapping[str, str]) -> Any:
        prefix = query.get("prefix", "")
        names, folders = sorted(name for name in buckets[bucket] if name.startswith(prefix)), []
        if query.get("delimiter"):
            names, folders = below(buckets[bucket], prefix)
        start = int(query.get("pageToken", 0))
        content: dict[str, Any] = {
            "kind": "storage#objects",
            "items": [item(bucket, one) for one in names[start:][:page]],
        }
        if folders and not start:
            content["prefixes"] = folders
        if len(names) > start + page:
            content["nextPageToken"] = str(start + page)
        return 200, {"Content-Type": "application/json"}, json.dumps(content).encode()

    def answer(asked: Any) -> Any:
        match asked.path.strip("/").split("/", 6):
            case ["storage", "v1", "b", bucket, "o"] if bucket in buckets:
                return listing(bucket, asked.query)
            case ["storage", "v1", "b", bucket, "o", *name] if "/".join(name) in buckets.get(bucket, ()):
                return 200, {"Content-Type": "application/json"}, json.dumps(item(bucket, "/".join(name))).encode()
            case ["download", "storage", "v1", "b", bucket, "o", name] if name in buckets.get(bucket, ()):
                return 200, {}, buckets[bucket][name]
        return 404, {"Content-Type": "application/json"}, b'{"error": {"code": 404, "message": "Not Found"}}'

    return answer


# s3://: ListObjectsV2, HeadObject and GetObject.


def s3(buckets: Mapping[str, Files]) -> Callable[[Any], Any]:
    def tag(data: bytes) -> str:
        return f'"{hashlib.md5(data).hexdigest()}"'

    def error(code: str) -> Any:
        return 404, {}, f"<Error><Code>{code}</Code><Message>{code}</Message></Error>".encode()

    def answer(asked: Any) -> Any:
        bucket, _, name = asked.path.strip("/").partition("/")
        if bucket not in buckets:
            return error("NoSuchBucket")
        files = buckets[bucket]
        if not name:
            prefix = asked.query.get("prefix", "")
            names, folders = [one for one in sorted(files) if one.startswith(prefix)], []
            if asked.query.get("delimiter"):
                names, folders = below(files, prefix)
            contents = "".join(
                f"<Contents><Key>{escape(one)}</Key><LastModified>2026-11-20T00:00:00.000Z</LastModified>"
                f"<ETag>{escape(tag(files[one]))}</ETag><Size>{len(files[one])}</Size></Contents>"
                for one in names
            )
            prefixes = "".join(f"<CommonPrefixes><Prefix>{escape(one)}</Prefix></CommonPrefixes>" for one in folders)
            count = len(names) + len(folders)
            head = f"<Name>{bucket}</Name><KeyCount>{count}</KeyCount><IsTruncated>false</IsTruncated>"
            body = f"<ListBucketResult>{head}{contents}{prefixes}</ListBucketResult>"
            return 200, {"Content-Type": "application/xml"}, body.encode()
        if name not in files:
            return error("NoSuchKey")
        return 200, {"ETag": tag(files[name]), "Last-Modified": "Fri, 20 Nov 2026 00:00:00 GMT"}, files[name]

    return answer


def at_google(url: str) -> dict[str, str]:
    return {"STORAGE_EMULATOR_HOST": url}


def at_amazon(url: str) -> dict[str, str]:
    keys = {"AWS_ACCESS_KEY_ID": "someone", "AWS_SECRET_ACCESS_KEY": "made-up", "AWS_DEFAULT_REGION": "us-east-1"}
    return {"AWS_ENDPOINT_URL": url, **keys}


BUCKETS = [
    pytest.param("gs", storage, at_google, marks=[needs("gcsfs"), pytest.mark.slow]),
    pytest.param("s3", s3, at_amazon, marks=[needs("s3fs"), pytest.mark.slow]),
]


@pytest.mark.parametrize(("scheme", "served", "variables"), BUCKETS)
def test_a_bucket_gives_files_globs_and_folders_and_is_asked_again_only_for_what_changed(
    scheme: str, served: Callable[..., Any], variables: Callable[..., Any], answering: Answering, fetched: Fetched
) -> None:
    drops = {
        "w46/train.jsonl": TRAIN,
        "w46/test/part-0.jsonl": TEST,
        "w46/README.md": b"#",
        "w47/über maß.jsonl": LATER,
    }
    server = answering(served({"drops": drops}))
    root = f"{scheme}://drops"
    folder, matches, one = fetched(
        variables(server.url), f"{root}/w46", f"{root}/*/über*.jsonl", f"{root}/w46/train.jsonl"
    )
    assert told(folder) == {
        f"{root}/w46/test/part-0.jsonl": ("test", TEST),
        f"{root}/w46/train.jsonl": ("train", TRAIN),
    }
    assert told(matches) == {f"{root}/w47/über maß.jsonl": (None, LATER)}
    assert told(one) == {f"{root}/w46/train.jsonl": ("train", TRAIN)}
    assert all(copy["revision"] for copy in (*folder, *matches, *one))

    before = told(folder)
    drops["w46/train.jsonl"] = LATER
    server.asked.clear()
    (changed,) = fetched(variables(server.url), f"{root}/w46")
    assert told(changed) == {**before, f"{root}/w46/train.jsonl": ("train", LATER)}
    sent = [asked.path for asked in server.asked if asked.method == "GET" and asked.sent in (TEST, LATER)]
    assert len(sent) == 1 and sent[0].endswith("train.jsonl")


@pytest.mark.parametrize(("scheme", "served", "variables"), BUCKETS)
def test_what_a_bucket_does_not_have_is_one_sentence(
    scheme: str, served: Callable[..., Any], variables: Callable[..., Any], answering: Answering, fetched: Fetched
) -> None:
    server = answering(served({"drops": {"w46/train.jsonl": TRAIN}}))
    paths = [f"{scheme}://drops/w46/trains.jsonl", f"{scheme}://drops/*/*.csv", f"{scheme}://other/w46"]
    errors = [error for (error,) in fetched(variables(server.url), *paths)]
    for path, error in zip(paths, errors, strict=True):
        assert error["exit"] == 2 and path in error["error"] and "\n" not in error["error"]
    assert "Nearest: train.jsonl" in errors[0]["error"]


@pytest.mark.parametrize(("scheme", "served", "variables"), BUCKETS)
def test_a_bucket_that_refuses_names_the_credentials(
    scheme: str, served: Callable[..., Any], variables: Callable[..., Any], answering: Answering, fetched: Fetched
) -> None:
    def forbidden(asked: Any) -> Any:
        if scheme == "s3":
            return 403, {}, b"<Error><Code>AccessDenied</Code><Message>no</Message></Error>"
        return 403, {"Content-Type": "application/json"}, b'{"error": {"code": 403, "message": "no"}}'

    server = answering(forbidden)
    ((error,),) = fetched(variables(server.url), f"{scheme}://drops/w46")
    assert error["exit"] == 2 and "credentials" in error["error"]


@needs("s3fs")
@pytest.mark.slow
def test_without_credentials_they_are_what_is_missing(fetched: Fetched) -> None:
    nobody = {"AWS_EC2_METADATA_DISABLED": "true", "AWS_ENDPOINT_URL": "http://127.0.0.1:1"}
    ((error,),) = fetched(nobody, "s3://drops/w46")
    assert error["exit"] == 2 and "credentials" in error["error"]
