"""Sources that lie on other machines: their files are copied into the workspace's cache, and what came is noted.

It knows addresses, file systems (fsspec, extra `remote`; https needs none) and the cache folder. It reads no record.
Credentials come from where each file system looks for them (environment, its own files), never from an address.
"""

from __future__ import annotations

import glob
import hashlib
import importlib
import json
import logging
import os
import re
import shutil
import urllib.error
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path, PurePosixPath
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

from ...errors import Misuse, TilthError, Unavailable, nearest
from ..disk import sha256
from .chunks import Copy, Source
from .files import data_files, is_remote, split_below

DRIVERS: Final = {"hf": "huggingface-hub", "s3": "s3fs", "gs": "gcsfs", "memory": "fsspec"}
"""The package that fsspec needs for a scheme."""

QUIETLY: Final = {
    "hf": {"HF_HUB_DISABLE_TELEMETRY": "1", "HF_HUB_DISABLE_PROGRESS_BARS": "1"},
    "gs": {"GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT": "false"},
}
"""Variables a driver is loaded with unless they are set: it asks for the data and nothing else, and says nothing aside.

gcsfs's support for zonal buckets asks a second service about each bucket and warns when that is out of reach."""

SCHEMES: Final = (*DRIVERS, "https", "http")
TIMEOUT: Final = 60
"""Seconds without a byte after which a server counts as unreachable."""

_REVISIONS: Final = ("ETag", "etag", "blob_id", "md5Hash", "generation", "LastModified", "mtime", "created")
_SECRET: Final = re.compile(r"sig|token|secret|password|passwd|credential|api_?key|access_?key", re.IGNORECASE)
_NOTE: Final = "copy.json"
_UNREAD: Final = logging.NullHandler()


def fetch(sources: Iterable[Source], cache: Path) -> list[Source]:
    """The sources with a copy of every remote file in `cache`; a copy whose revision still holds is used again.

    Raises Misuse for an address that cannot be read (scheme, extra, no such file, credentials), Unavailable when
    nobody answers.
    """
    return [_fetched(source, cache) for source in sources]


def _fetched(source: Source, cache: Path) -> Source:
    named = [path for path in source.paths if is_remote(path)]
    if source.copies or not named:
        return source
    return replace(source, copies=tuple(copy for path in named for copy in _copies(path, cache)))


def _copies(path: str, cache: Path) -> Iterator[Copy]:
    scheme = urlsplit(path).scheme.lower()
    if scheme not in SCHEMES:
        next_step = f"Known are {', '.join(f'{one}://' for one in SCHEMES if one != 'memory')}; else fetch it first."
        raise Misuse(f"{path}: there is no way to read {scheme}://.", next_step=next_step)
    _refuse_secrets(path)
    if scheme in ("http", "https"):
        yield _over_http(path, cache)
        return
    system = _file_system(scheme, path)
    with _reaching(path):
        system.invalidate_cache()
        names = _names(system, path)
    for name in names:
        url = str(system.unstrip_protocol(name))
        with _reaching(url):
            yield _over_fsspec(system, name, url, path, cache)


def _split(system: Any, name: str, named: str) -> str | None:
    root = f"{str(system._strip_protocol(named)).rstrip('/')}/"
    below = name.removeprefix(root) if name.startswith(root) else name.rpartition("/")[2]
    return split_below(below.split("/"))


def _refuse_secrets(path: str) -> None:
    parts = urlsplit(path)
    keys = [key for key, _ in parse_qsl(parts.query, keep_blank_values=True) if _SECRET.search(key)]
    if parts.password is not None or (parts.username is not None and parts.scheme in ("http", "https")) or keys:
        shown = path.split("?", 1)[0] if keys else f"{parts.scheme}://{parts.hostname}{parts.path}"
        next_step = "Addresses are written into the ledger: keep keys in the environment, or fetch the file first."
        raise Misuse(f"{shown}: the address holds a credential.", next_step=next_step)


def _file_system(scheme: str, path: str) -> Any:
    install = "Install the extra: pip install 'tilth[remote]'"
    try:
        fsspec = importlib.import_module("fsspec")
    except ImportError:
        raise Misuse(f"{path}: reading {scheme}:// needs fsspec.", next_step=f"{install}.") from None
    for variable, value in QUIETLY.get(scheme, {}).items():
        os.environ.setdefault(variable, value)
    for logger in ("gcsfs", "s3fs", "fsspec"):  # what no handler takes goes to stderr, tracebacks and all
        logging.getLogger(logger).addHandler(_UNREAD)
    try:
        with _reaching(path):
            return fsspec.filesystem(scheme)
    except ImportError:
        next_step = f"{install} {DRIVERS[scheme]}."
        raise Misuse(f"{path}: reading {scheme}:// needs {DRIVERS[scheme]}.", next_step=next_step) from None


def _names(system: Any, path: str) -> list[str]:
    """The files an address stands for: one file, the matches of a glob, or a folder's data files."""
    if glob.has_magic(path):
        names = sorted(name for name, info in system.glob(path, detail=True).items() if info["type"] == "file")
        if not names:
            raise Misuse(f"No file matches {path}.", next_step="Check the address and your right to list it.")
        return names
    try:
        is_file = system.info(path)["type"] == "file"  # isfile would take a server that is gone for a file that is
    except FileNotFoundError:
        is_file = False
    if is_file:
        return [str(system._strip_protocol(path))]
    names = data_files(sorted(system.find(path)))
    if not names:
        parent = path.rstrip("/").rpartition("/")[0]
        beside = system.ls(parent, detail=False) if system.isdir(parent) else []
        next_step = nearest(path.rpartition("/")[2], [str(one).rpartition("/")[2] for one in beside])
        raise Misuse(f"There is no data file at {path}.", next_step=next_step)
    return names


def _over_fsspec(system: Any, name: str, url: str, named: str, cache: Path) -> Copy:
    info = system.info(name)
    revision = next((str(info[key]) for key in _REVISIONS if info.get(key)), None)
    folder = _folder(cache, url)
    known = _known(folder, named, _split(system, name, named))
    if known is not None and revision is not None and known.revision == revision:
        return known
    target = folder / _file_name(url)
    with _writing(target) as temporary:
        system.get_file(name, str(temporary))
    return _noted(folder, Copy(named, url, str(target), _split(system, name, named), revision, sha256(target)))


def _over_http(url: str, cache: Path) -> Copy:
    """One file over HTTP(S); the server is asked whether the copy at hand still holds (RFC 9110, section 13)."""
    import urllib.request  # 30 ms that a command without such a source does not pay

    folder = _folder(cache, url)
    split = split_below([PurePosixPath(urlsplit(url).path).name])
    known = _known(folder, url, split)
    asked = {"User-Agent": "tilth"}
    if known is not None and known.revision is not None:
        is_tag = known.revision.startswith(('"', "W/"))
        asked["If-None-Match" if is_tag else "If-Modified-Since"] = known.revision
    with _reaching(url):
        try:
            answer = urllib.request.urlopen(urllib.request.Request(url, headers=asked), timeout=TIMEOUT)
        except urllib.error.HTTPError as error:
            if error.code == 304 and known is not None:
                return known
            raise
        with answer:
            target = folder / _file_name(url)
            with _writing(target) as temporary, temporary.open("wb") as file:
                shutil.copyfileobj(answer, file, 1 << 20)
                promised = answer.headers.get("Content-Length")
                if promised is not None and file.tell() != int(promised):
                    raise ConnectionError(f"{file.tell():,} of {promised} bytes came")
        revision = answer.headers.get("ETag") or answer.headers.get("Last-Modified")
    return _noted(folder, Copy(url, url, str(target), split, revision, sha256(target)))


@contextmanager
def _reaching(url: str) -> Iterator[None]:
    """What may go wrong on the way, as one sentence. Every file system has an error tree of its own."""
    try:
        yield
    except (TilthError, ImportError):
        raise
    except urllib.error.HTTPError as error:
        error.close()
        if error.code in (404, 410):
            raise Misuse(f"There is no file {url} ({error.code}).", next_step="Check the address.") from None
        if error.code in (401, 403):
            raise _forbidden(url) from None
        raise _unreachable(url, f"the server answered {error.code}") from None
    except Exception as error:
        if isinstance(error, PermissionError) or _is_refusal(error) or _is_refusal(error.__cause__):
            raise _forbidden(url) from None
        if isinstance(error, FileNotFoundError):
            raise Misuse(f"There is no file {url}.", next_step="Check the address.") from None
        reason = getattr(error, "reason", None) or error
        raise _unreachable(url, " ".join(str(reason).split())[:200] or type(error).__name__) from None


def _is_refusal(error: BaseException | None) -> bool:
    """Did a server say 401 or 403, or a driver find no credentials? huggingface-hub keeps the answer, gcsfs a code or
    only the word, botocore and google-auth name what they miss."""
    status = getattr(getattr(error, "response", None), "status_code", None) or getattr(error, "code", None)
    return status in (401, 403) or str(error).startswith("Forbidden") or "credentials" in str(error)


def _forbidden(url: str) -> Misuse:
    """Servers that refuse a stranger do not say whether the file is there."""
    next_step = "Check the address, and set the credentials in the environment."
    return Misuse(f"{url} may not be read with the credentials at hand, or is not there.", next_step=next_step)


def _unreachable(url: str, reason: str) -> Unavailable:
    next_step = "Nothing was imported; run the same command again."
    return Unavailable(f"{url} cannot be reached: {reason.rstrip('.')}.", next_step=next_step)


# The cache: one folder for each address, holding the file and a note of what it is.


def _folder(cache: Path, url: str) -> Path:
    folder = cache / hashlib.sha256(url.encode()).hexdigest()
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _file_name(url: str) -> str:
    name = re.sub(r"[^A-Za-z0-9._-]", "_", PurePosixPath(urlsplit(url).path).name)[-100:]
    return f"file-{name}" if name in ("", _NOTE) or name.startswith(".") else name


@contextmanager
def _writing(target: Path) -> Iterator[Path]:
    """A temporary file that becomes the copy when all of it has come."""
    temporary = target.parent / f".{os.getpid()}.part"
    try:
        yield temporary
        os.replace(temporary, target)
    finally:
        temporary.unlink(missing_ok=True)


def _noted(folder: Path, copy: Copy) -> Copy:
    note = {**asdict(copy), "at": Path(copy.at).name}
    (folder / _NOTE).write_text(json.dumps(note, ensure_ascii=False), encoding="utf-8")
    return copy


def _known(folder: Path, named: str, split: str | None) -> Copy | None:
    """The copy at hand, if its bytes are still those that were noted."""
    try:
        note = json.loads((folder / _NOTE).read_text(encoding="utf-8"))
        copy = Copy(**{**note, "named": named, "split": split, "at": str(folder / note["at"])})
        return copy if sha256(Path(copy.at)) == copy.sha256 else None
    except (OSError, ValueError, TypeError, KeyError):
        return None
