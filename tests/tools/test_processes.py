"""Work in several processes: the same answers, errors raised here, and nothing left behind."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import tilth
from tilth.tools.errors import Misuse, Unavailable
from tilth.tools.processes import Processes


def _evaluating(expression: str) -> Processes:
    """Work that is a lambda, in two processes, from the first item on."""
    return Processes(eval, expression, count=2, alone=0)


def test_answers_are_those_of_one_process() -> None:
    with _evaluating("lambda base, exponent: base ** exponent") as work, ThreadPoolExecutor(2) as threads:
        assert list(threads.map(work, range(50), range(50))) == [i**i for i in range(50)]


def test_the_first_items_are_worked_on_here() -> None:
    pid: Callable[[], int]
    with Processes(eval, "__import__('os').getpid", count=2, alone=2) as pid:
        assert [pid() == os.getpid() for _ in range(4)] == [True, True, False, False]
    with Processes(eval, "__import__('os').getpid", count=1, alone=0) as pid:
        assert pid() == os.getpid()


def test_an_error_of_the_work_is_raised_here_and_the_process_works_on() -> None:
    with _evaluating("lambda item: 1 // item") as work:
        with pytest.raises(ZeroDivisionError):
            work(0)
        assert work(1) == 1


def test_what_cannot_be_prepared_says_why() -> None:
    with _evaluating("1 //") as work, pytest.raises(SyntaxError):
        work(1)
    with Processes(_refusing, count=2, alone=0) as work, pytest.raises(Misuse, match="not here"):
        work(1)


def _refusing() -> Callable[[int], int]:
    raise Misuse("Nothing is done, not here either.")


def test_a_process_that_dies_is_told() -> None:
    with _evaluating("lambda number: __import__('os').kill(__import__('os').getpid(), number)") as work:
        with pytest.raises(Unavailable, match="SIGKILL") as caught:
            work(int(signal.SIGKILL))
        assert "--threads 1" in str(caught.value.next_step)


@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="only Linux tells of the end of a process that is no child")
def test_processes_end_with_the_one_that_started_them() -> None:
    program = (
        "import signal; from tilth.tools.processes import Processes\n"
        "pid = Processes(eval, \"__import__('os').getpid\", count=2, alone=0)\n"
        "print(pid(), flush=True); signal.pause()\n"
    )
    home = str(Path(tilth.__file__).parent.parent)
    env = {**os.environ, "PYTHONPATH": os.pathsep.join([home, os.environ.get("PYTHONPATH", "")])}
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, env=env) as starter:
        assert starter.stdout is not None
        watched = os.pidfd_open(int(starter.stdout.readline()))
        starter.kill()
    assert select.select([watched], [], [], 60)[0], "it outlived its starter"
    os.close(watched)
