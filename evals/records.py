"""A run on disk: `run.json` says what is run, `records.jsonl` how each job ended, `transcripts/` what was said.

It knows files and their forms. Records are appended and synced one by one; a line that a crash cut short is dropped
when the run is opened. Of two records of one job the later one holds. Truth is in none of them.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Final, get_args

from ..tools.errors import Busy, Corrupt, Misuse, nearest
from ..tools.store.disk import append_line, make_folder, write_file, writing_to
from .registry import Choice
from .suite import Ended, Limits, Score, Usage

FOLDER: Final = "evals-runs"
ENDED: Final[tuple[Ended, ...]] = get_args(Ended)
Key = tuple[str, str, int]


@dataclass(frozen=True)
class Plan:
    """What a run is made of. `instances` maps ids to digests (`sets.digest`), in drawn order.

    `data` is the digest of the real data in `folder` (both empty where instances are made up); `judge_scored` the rubric of
    each metric that a model's judgement decides.
    """

    id: str
    suite: str
    source: str  # the suite's name or file, as the person wrote it
    version: int
    metric: str
    better: str
    set: str
    choices: Sequence[Choice]
    instances: Mapping[str, str]
    epochs: int
    limits: Limits
    versions: Mapping[str, str] = field(default_factory=dict)
    folder: str = ""
    data: str = ""
    judge_scored: Mapping[str, str] = field(default_factory=dict)

    @property
    def labels(self) -> list[str]:
        return [one.label for one in self.choices]

    def jobs(self) -> Iterator[Key]:
        """Every job, by epoch, then instance, then agent: agents advance together, so a stopped run is still fair."""
        for epoch in range(self.epochs):
            for instance in self.instances:
                for label in self.labels:
                    yield label, instance, epoch


@dataclass(frozen=True)
class Record:
    """How one job ended. `why` says it in a sentence unless it was answered; only then there is a score."""

    agent: str
    instance: str
    epoch: int
    ended: Ended
    why: str = ""
    submission: Mapping[str, Any] | None = None
    score: Score | None = None
    usage: Usage = field(default_factory=Usage)
    tags: Mapping[str, str] = field(default_factory=dict)
    cluster: str = ""
    transcript: str = ""  # a file of the run's folder
    rescored: bool = False

    @property
    def key(self) -> Key:
        return self.agent, self.instance, self.epoch

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> Record:
        score = told["score"]
        if score is not None:
            weights = {name: (pair[0], pair[1]) for name, pair in score["weights"].items()}
            curve = [(point[0], point[1]) for point in score["curve"]]
            score = Score(**{**score, "weights": weights, "curve": curve})
        return cls(**{**told, "score": score, "usage": Usage(**told["usage"])})


class Run:
    """One run's folder."""

    def __init__(self, folder: Path, plan: Plan) -> None:
        self.folder = folder
        self.plan = plan

    @property
    def id(self) -> str:
        return self.plan.id

    def label(self, wanted: str = "") -> str:
        """The agent of this name, or the only one. Raises Misuse naming the nearest."""
        labels = self.plan.labels
        if wanted in labels:
            return wanted
        if not wanted and len(labels) == 1:
            return labels[0]
        said = f"Run {self.id} has no agent {wanted!r}." if wanted else f"Run {self.id} has several agents."
        raise Misuse(said, next_step=f"{nearest(wanted, labels)} Write {self.id}:AGENT.")

    def records(self) -> dict[Key, Record]:
        """The last record of every job, in the order of the plan. Raises Corrupt for a line that is no record."""
        found: dict[Key, Record] = {}
        for number, line in enumerate(_whole_lines(self._file), 1):
            try:
                record = Record.from_json(json.loads(line))
            except (ValueError, KeyError, TypeError) as error:
                raise Corrupt(f"{self._file}:{number} is no record of a run: {error}.") from None
            found[record.key] = record
        return {key: found[key] for key in self.plan.jobs() if key in found}

    def append(self, record: Record) -> None:
        append_line(self._file, line_of(record))

    def keep_transcript(self, key: Key, messages: Sequence[Mapping[str, Any]]) -> str:
        """Write what was said; -> the file's name inside the run's folder."""
        name = f"transcripts/{hashlib.sha256(repr(key).encode()).hexdigest()[:16]}.jsonl"
        body = b"".join(_line(one) + b"\n" for one in messages)
        write_file(self.folder / name, body, temporary=self.folder / f"{name}.tmp")
        return name

    def transcript(self, record: Record) -> list[dict[str, Any]]:
        if not record.transcript:
            return []
        text = (self.folder / record.transcript).read_text(encoding="utf-8")
        return [json.loads(line) for line in text.split("\n") if line]

    @contextlib.contextmanager
    def writing(self) -> Iterator[None]:
        """Only one process adds records. Drops what a crash left of a last line. Raises Busy."""
        with (self.folder / ".lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise Busy(f"Another process is at work on run {self.id}.", next_step="Wait for it.") from None
            if self._file.exists():
                _drop_torn_line(self._file)
            yield

    @property
    def _file(self) -> Path:
        return self.folder / "records.jsonl"


def create_run(runs: Path, plan: Plan) -> Run:
    """A new folder SUITE-NUMBER below `runs`; the id in `plan` is replaced by it. No shell expands its name."""
    with writing_to(runs):
        make_folder(runs)
    suite = plan.suite.replace("[", "-").replace("]", "")
    number = 1 + max((_number(path.name, suite) for path in runs.iterdir()), default=0)
    while True:
        folder = runs / f"{suite}-{number}"
        try:
            folder.mkdir()
            break
        except FileExistsError:
            number += 1
    named = replace(plan, id=folder.name)
    body = json.dumps(asdict(named), indent=1, ensure_ascii=False) + "\n"
    write_file(folder / "run.json", body.encode(), temporary=folder / ".run.tmp")
    return Run(folder, named)


def open_run(runs: Path, id: str) -> Run:
    """Raises Misuse naming the nearest run."""
    known = run_ids(runs)
    if id not in known:
        raise Misuse(f"There is no run {id!r} in {runs}.", next_step=nearest(id, known))
    told = json.loads((runs / id / "run.json").read_text(encoding="utf-8"))
    choices = [Choice(**one) for one in told["choices"]]
    return Run(runs / id, Plan(**{**told, "choices": choices, "limits": Limits(**told["limits"])}))


def run_ids(runs: Path) -> list[str]:
    """Runs by suite and number."""
    found = [path.parent.name for path in runs.glob("*/run.json")]
    return sorted(found, key=lambda id: (id.rpartition("-")[0], _number(id, id.rpartition("-")[0])))


def _number(name: str, suite: str) -> int:
    digits = name.removeprefix(f"{suite}-")
    return int(digits) if digits.isdigit() else 0


def line_of(record: Record) -> bytes:
    """A record as a line of records.jsonl: ASCII, so that no submission can spoil the file for other readers."""
    return _line(asdict(record))


def _line(value: Any) -> bytes:
    return json.dumps(value, allow_nan=False).encode()


def _whole_lines(path: Path) -> list[bytes]:
    if not path.exists():
        return []
    return path.read_bytes().split(b"\n")[:-1]


def _drop_torn_line(path: Path) -> None:
    content = path.read_bytes()
    if content and not content.endswith(b"\n"):
        os.truncate(path, content.rfind(b"\n") + 1)
