"""A server of our own is started, watched, found again and stopped with its children; a fake vLLM stands in for it."""

from __future__ import annotations

import os
import select
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tilth.agent.config import read_config, server_file
from tilth.agent.models import serving
from tilth.agent.models.connections import VLLM, endpoint_of
from tilth.tools.errors import Misuse, Unavailable

FAKE = """
import argparse, json, os, subprocess, sys
from http.server import BaseHTTPRequestHandler, HTTPServer
parser = argparse.ArgumentParser()
parser.add_argument("--model"); parser.add_argument("--served-model-name"); parser.add_argument("--host")
parser.add_argument("--port", type=int); parser.add_argument("--fail", action="store_true")
args = parser.parse_args()
if args.fail:
    print("no such architecture"); sys.exit(7)
engine = subprocess.Popen([sys.executable, "-c", "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); signal.pause()"])
open(os.environ["ENGINE"], "w").write(str(engine.pid))
class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        body = json.dumps({"data": [{"id": args.served_model_name}]}).encode()
        self.send_response(200); self.send_header("Content-Length", str(len(body))); self.end_headers()
        self.wfile.write(body)
    def log_message(self, *args): pass
HTTPServer((args.host, args.port), Handler).serve_forever()
"""


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package `vllm` whose server answers /v1/models and has an engine that ignores SIGTERM; -> where its pid is."""
    folder = tmp_path / "site" / "vllm" / "entrypoints" / "openai"
    folder.mkdir(parents=True)
    for one in (folder, folder.parent, folder.parent.parent):
        (one / "__init__.py").touch()
    (folder / "api_server.py").write_text(FAKE)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "site"))
    monkeypatch.setenv("ENGINE", str(tmp_path / "engine.pid"))
    return tmp_path / "engine.pid"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "workspace"
    folder.mkdir()
    return folder


def _lives(pid: int) -> bool:
    """A process that is neither gone nor a zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_a_server_is_started_found_again_and_stopped_with_its_engine(fake: Path, root: Path) -> None:
    with serving.Server(root, "tiny") as server:
        served = server.ready(seconds=60)
        assert (served.how, served.base_url) == ("started", server.base_url)
        assert serving.find(root, "tiny", []) is not None
        assert serving.find(root, "another", []) is None
        assert endpoint_of(VLLM, read_config(root)).base_url == served.base_url  # so vllm:tiny means this server
        engine = int(fake.read_text())
        assert _lives(engine)
        ended = os.pidfd_open(engine)
    assert select.select([ended], [], [], 60)[0], "the engine was not killed"  # a kill is carried out in its own time
    assert not server_file(root).exists()


def test_a_running_server_elsewhere_is_attached_to(fake: Path, root: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    with serving.Server(other, "tiny") as server:
        server.ready(seconds=60)
        found = serving.find(root, "tiny", [server.base_url])
        assert found is not None and found.how == "attached"


def test_another_process_may_stop_it(fake: Path, root: Path) -> None:
    with serving.Server(root, "tiny") as server:
        server.ready(seconds=60)
        assert serving.stop(root).model == "tiny"
        assert server.wait() == -signal.SIGTERM
    with pytest.raises(Misuse, match="No server of this workspace is running"):
        serving.stop(root)


def test_a_number_that_another_process_bears_now_is_left_alone(root: Path) -> None:
    server_file(root).parent.mkdir(parents=True)
    server_file(root).write_text(
        f'{{"model": "tiny", "base_url": "http://127.0.0.1:9/v1", "pid": {os.getpid()}, "log": "x"}}'
    )
    with pytest.raises(Misuse):
        serving.stop(root)


def test_a_server_that_ends_early_shows_its_last_lines(fake: Path, root: Path) -> None:
    with (
        serving.Server(root, "tiny", arguments=["--fail"]) as server,
        pytest.raises(Unavailable, match="exit code 7") as told,
    ):
        server.ready(seconds=60)
    assert "no such architecture" in str(told.value)


def test_a_python_that_is_not_there_is_named(root: Path) -> None:
    with (
        pytest.raises(Misuse, match="/no/python cannot be run"),
        serving.Server(root, "tiny", python="/no/python"),
    ):
        pass


def test_a_port_in_use_is_not_taken(root: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        assert serving.Server(root, "tiny").port != taken.getsockname()[1]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child that its parent died")
def test_a_killed_starter_takes_the_server_with_it(fake: Path, root: Path) -> None:
    program = (
        "import sys, signal; from pathlib import Path; from tilth.agent.models import serving\n"
        "server = serving.Server(Path(sys.argv[1]), 'tiny').__enter__()\n"
        "print(server.ready(seconds=60).pid, flush=True); signal.pause()\n"
    )
    import tilth

    home = str(Path(tilth.__file__).parent.parent)
    # The package may be found through a path that is no site directory; the child is told of it.
    env = {**os.environ, "PYTHONPATH": os.pathsep.join([os.environ["PYTHONPATH"], home])}
    with subprocess.Popen([sys.executable, "-c", program, str(root)], stdout=subprocess.PIPE, env=env) as starter:
        assert starter.stdout is not None
        pid = int(starter.stdout.readline())
        watched = os.pidfd_open(pid)
        starter.kill()
        starter.wait()
        import select

        assert select.select([watched], [], [], 30)[0], "the server outlived its starter"
        os.close(watched)
        os.kill(int(fake.read_text()), signal.SIGKILL)


def test_the_command_line_hands_on_what_stands_after_two_dashes(
    fake: Path, root: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from tilth.tui import cli

    monkeypatch.setattr(sys, "argv", ["tilth", "serve", "tiny", "--workspace", str(root), "--", "--fail"])
    assert cli.main() == 3
    assert "no such architecture" in capsys.readouterr().err
