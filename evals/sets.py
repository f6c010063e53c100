"""Where instances come from: a set is a suite, its version and a seed. Fresh seeds are drawn once and kept.

It knows seeds and ids that say nothing of them. What is drawn from a seed is the suite's.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import random
import secrets
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from ..tools.errors import Misuse, nearest
from ..tools.store.disk import write_file
from .suite import Instance, Suite

PUBLIC: Final = "public"
_ID_DIGITS: Final = 10


def instance_id(seed: str, suite: str, number: int) -> str:
    """A name for the `number`-th instance: an HMAC under the seed, so that it reveals neither seed nor number."""
    return hmac.new(seed.encode(), f"{suite}:{number}".encode(), hashlib.sha256).hexdigest()[:_ID_DIGITS]


def generator(seed: str, *path: object) -> random.Random:
    """Random numbers of their own for each path: what one part draws moves no other part."""
    return random.Random(":".join([seed, *map(str, path)]))


@dataclass(frozen=True)
class Set:
    """The first `n` instances of a longer set are those of a shorter one. `seed` is secret unless the set is public.

    `data` is the digest of the real data it was drawn from, empty without any.
    """

    id: str
    suite: str
    version: int
    seed: str
    data: str = ""

    def draw(self, suite: Suite, count: int) -> Sequence[Instance]:
        """Raises Misuse when the suite or its data are others, or its generator is of another version."""
        if (suite.name, suite.version) != (self.suite, self.version):
            raise Misuse(
                f"Set {self.id} is of {self.suite}@{self.version}, not of {suite.name}@{suite.version}.",
                next_step="Draw a new one: --seeds fresh",
            )
        if data_of(suite) != self.data:
            raise Misuse(
                f"Set {self.id} is of {self.suite} over other data ({self.data}; these are {data_of(suite)}).",
                next_step="Draw a new one: --seeds fresh",
            )
        instances = suite.draw(self.seed, count)
        ids = {one.id for one in instances}
        if len(ids) != count:
            raise Misuse(f"Suite {suite.name} drew {len(ids):,} different instances where {count:,} were asked for.")
        return instances


def data_of(suite: Suite) -> str:
    """The digest of the real data that a suite draws from; empty where it makes its own."""
    return str(getattr(suite, "data", ""))


def choose(seeds: str, suite: Suite, folder: Path) -> Set:
    """`seeds` is public, fresh (drawn now and written to `folder`/ID.json) or set:ID. Raises Misuse."""
    if seeds == PUBLIC:
        return Set(PUBLIC, suite.name, suite.version, PUBLIC, data_of(suite))
    if seeds == "fresh":
        return fresh(suite, folder)
    if seeds.startswith("set:"):
        return load(seeds.removeprefix("set:"), suite, folder)
    raise Misuse(f"--seeds {seeds} is no set of instances.", next_step="Write public, fresh or set:ID.")


def fresh(suite: Suite, folder: Path, *, seed: str | None = None) -> Set:
    """A set nobody has seen; its file in `folder` is the only place its seed is in."""
    seed = seed or secrets.token_hex(16)
    id = hmac.new(seed.encode(), b"set", hashlib.sha256).hexdigest()[:8]
    made = Set(id, suite.name, suite.version, seed, data_of(suite))
    body = json.dumps(asdict(made), indent=1) + "\n"
    write_file(folder / f"{id}.json", body.encode(), temporary=folder / f".{id}.tmp", mode=0o600)
    return made


def load(id: str, suite: Suite, folder: Path) -> Set:
    """The set of this id. Raises Misuse naming the nearest."""
    if id == PUBLIC:
        return choose(PUBLIC, suite, folder)
    known = [path.stem for path in folder.glob("*.json")]
    if id not in known:
        raise Misuse(f"There is no set {id!r} in {folder}.", next_step=nearest(id, [*known, PUBLIC]))
    told = json.loads((folder / f"{id}.json").read_text(encoding="utf-8"))
    return Set(told["id"], told["suite"], int(told["version"]), told["seed"], told.get("data", ""))


def digest(instance: Instance) -> str:
    """sha256 of all that an instance is: the same in every process and Python, or it is another instance."""
    told = {
        "task": instance.task,
        "files": {name: hashlib.sha256(body).hexdigest() for name, body in instance.files.items()},
        "submission": instance.submission,
        "truth": instance.truth,
        "tags": dict(instance.tags),
        "cluster": instance.cluster,
    }
    return hashlib.sha256(json.dumps(told, sort_keys=True, ensure_ascii=True).encode()).hexdigest()
