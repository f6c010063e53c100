"""An agent that is a command: ten lines suffice, it sees what it may, and it takes nothing else down."""

from __future__ import annotations

import json
import os
import re
import shlex
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tilth.evals import summary
from tilth.evals.records import Run
from tilth.evals.suite import Limits

MakeRun = Callable[..., Run]
Write = Callable[[str], str]

DOCS = Path(__file__).parents[2] / "docs" / "evals.md"


@pytest.fixture(scope="module")
def ten_lines() -> str:
    """The agent that the documentation shows."""
    (code,) = re.findall(r"```python\n(.*?)```", DOCS.read_text(), re.DOTALL)
    assert len(str(code).splitlines()) <= 10
    return str(code)


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """`write(code)` -> the spec of a command that runs it."""

    def make(code: str) -> str:
        path = tmp_path / "mine.py"
        path.write_text(code)
        return "mine=" + f"cmd:{shlex.quote(sys.executable)} {shlex.quote(str(path))}"

    return make


def test_ten_lines_are_an_agent(make_run: MakeRun, write: Write, ten_lines: str) -> None:
    (told,) = summary.report(make_run(write(ten_lines), n=3)).agents
    assert (told.label, told.score.value, told.ended) == ("mine", 1.0, {"answered": 3})
    assert (told.spent.self_reported, told.spent.tokens_in, told.spent.tool_calls) == (True, 150, 0)


def test_the_environment_is_scrubbed(make_run: MakeRun, write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAB_KEY", "secret")
    monkeypatch.setenv("MINE_KEY", "mine")
    monkeypatch.setenv("TILTH_WORKSPACE", "/home/somebody")
    look = (
        "import json, os, sys\njob = json.load(sys.stdin)\n"
        "print(json.dumps({'sum': 0, 'env': dict(os.environ), 'job': job, 'cwd': os.getcwd(),\n"
        "    'home': os.listdir(os.environ['HOME']), 'files': sorted(os.listdir())}))"
    )
    run = make_run(write(look), n=1, variables=["MINE_KEY", "NOT_SET"])
    (record,) = run.records().values()
    seen = record.submission
    assert seen is not None and record.ended == "answered"
    seen["env"].pop("LC_CTYPE", None)  # Python sets it for itself
    allowed = {
        "PATH",
        "LANG",
        "LC_ALL",
        "TZ",
        "HOME",
        "TMPDIR",
        "MINE_KEY",
        "SSL_CERT_FILE",
        "SSL_CERT_DIR",
        "PYTHONUTF8",
    }
    assert set(seen["env"]) <= allowed
    assert seen["env"]["MINE_KEY"] == "mine"
    assert "secret" not in json.dumps(seen)
    assert seen["env"]["HOME"] not in (os.environ.get("HOME"), seen["cwd"])
    assert (seen["home"], seen["files"]) == ([], ["data"])
    assert set(seen["job"]) == {"instance", "suite", "task", "submission", "limits", "seed", "epoch"}
    assert not Path(seen["cwd"]).is_relative_to(run.folder.parent.parent)


def test_an_account_that_is_no_amount_is_not_counted(make_run: MakeRun, write: Write) -> None:
    usage = '{"calls": true, "tokens_in": -5, "tokens_out": "many", "usd": 1e300, "tool_calls": 2.0}'
    (record,) = (
        make_run(write(f"""print('{{"submission": {{"sum": 1}}, "usage": {usage}}}')"""), n=1).records().values()
    )
    one = record.usage
    assert (one.calls, one.tokens_in, one.tokens_out, one.usd, one.tool_calls) == (0, 0, 0, 0.0, 2)


@pytest.mark.parametrize(
    ("code", "ended", "why"),
    [
        ("", "malformed", "handed nothing in"),
        ("print('I think 42')", "malformed", "is not JSON"),
        ("print('[1]')", "malformed", "not a JSON object"),
        ("print('[' * 100_000)", "malformed", "is not JSON"),
        ("print('{\"sum\": NaN}')", "malformed", "not JSON"),
        ('print(\'{"sum": "x"}\')', "malformed", "not a whole number"),
        ("raise SystemExit('no idea')", "crashed", "exit code 1: no idea"),
        ("raise SystemExit(3)", "unavailable", "exit code 3"),
        ("raise SystemExit(4)", "over_budget", "exit code 4"),
        ("print('x' * (17 << 20))", "crashed", "over 16 MB"),
        ("import os; os.kill(os.getpid(), 9)", "crashed", "exit code -9"),
        ("import json; json.dump({'sum': 1}, open('submission.json', 'w')); print('done')", "answered", ""),
    ],
)
def test_how_commands_end(make_run: MakeRun, write: Write, code: str, ended: str, why: str) -> None:
    (record,) = make_run(write(code), n=1).records().values()
    assert (record.ended, why in record.why) == (ended, True), record.why


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_a_flood_ends_when_it_is_over_the_limit(make_run: MakeRun, write: Write, stream: str) -> None:
    """Not when time is up, however full the streams were when reading stopped."""
    run = make_run(write(f"import sys\nwhile True: sys.{stream}.write('x' * 65536)"), n=6, limits=Limits(seconds=30))
    assert {(one.ended, "over 16 MB" in one.why) for one in run.records().values()} == {("crashed", True)}


def test_a_command_that_is_not_there_is_a_crash(make_run: MakeRun) -> None:
    (record,) = make_run("gone=cmd:/no/such/program --fast", n=1).records().values()
    assert record.ended == "crashed"
    assert "/no/such/program" in record.why


def test_children_of_a_command_are_gone_when_time_is_up(make_run: MakeRun, write: Write, tmp_path: Path) -> None:
    """The child inherits the output, so that waiting for its end would never end."""
    note = tmp_path / "child"
    code = (
        "import subprocess, sys\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import signal; signal.pause()'])\n"
        f"open({str(note)!r}, 'w').write(str(child.pid))\n"
        "child.wait()"
    )
    (record,) = make_run(write(code), n=1, limits=Limits(seconds=3)).records().values()
    assert record.ended == "timed_out"
    state = Path(f"/proc/{note.read_text()}/stat")
    assert not state.exists() or state.read_text().rpartition(")")[2].split()[0] in "ZX"


def test_words_that_are_files_here_are_found_from_elsewhere(
    make_run: MakeRun, write: Write, ten_lines: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(ten_lines)
    monkeypatch.chdir(tmp_path)
    (record,) = make_run(f"mine=cmd:{sys.executable} mine.py", n=1).records().values()
    assert record.ended == "answered"
