"""What a process takes from itself before it runs what others wrote: files, network, memory, processor time.

It knows the kernel's means: Landlock (Linux 5.13 or later; docs.kernel.org/userspace-api/landlock.html) and resource
limits. It does not know what will run. What is taken cannot be had back, not even by root.
"""

from __future__ import annotations

import contextlib
import ctypes
import math
import os
import resource
import signal
import struct
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
"""Numbers of the system calls, the same on every architecture."""

_NO_NEW_PRIVILEGES: Final = 38
_PATH_BENEATH: Final = 1
_READ_FILE: Final = 1 << 2
_FIRST_RIGHTS: Final = (1 << 13) - 1  # execute, write, read, list, remove and make, as of ABI 1
_LATER_RIGHTS: Final = ((2, 1 << 13), (3, 1 << 14), (5, 1 << 15))  # (ABI, right): refer, truncate, ioctl on devices
_TCP: Final = 3  # bind and connect, as of ABI 4
_SCOPES: Final = 3  # abstract Unix sockets and signals to processes outside, as of ABI 6

OPEN_FILES: Final = 64
"""Files that may be open beside those the process is given."""


def landlock_abi() -> int:
    """The version of Landlock that the kernel speaks, 0 for none."""
    if not sys.platform.startswith("linux"):
        return 0
    return max(_call(_CREATE_RULESET, None, ctypes.c_size_t(0), ctypes.c_uint32(1)), 0)


def landlock(readable: Iterable[Path]) -> int:
    """Refuse this thread every file but `readable` (files, or all files of a folder), which it may read, and TCP.

    Threads that are there already are not bound. -> the ABI in force; 0 where the kernel has no Landlock, and then
    nothing was refused. What `readable` names and is not there stays out of reach.
    """
    abi = landlock_abi()
    if abi == 0:
        return 0
    files = _FIRST_RIGHTS | sum(right for since, right in _LATER_RIGHTS if abi >= since)
    attributes = struct.pack("QQQ", files, _TCP, _SCOPES)[: 24 if abi >= 6 else 16 if abi >= 4 else 8]
    ruleset = _call(_CREATE_RULESET, attributes, ctypes.c_size_t(len(attributes)), ctypes.c_uint32(0))
    if ruleset < 0:
        return 0
    try:
        for path in readable:
            _allow(ruleset, path)
        if _library().prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0) != 0:
            return 0
        return abi if _call(_RESTRICT_SELF, ruleset, ctypes.c_uint32(0)) == 0 else 0
    finally:
        os.close(ruleset)


def _allow(ruleset: int, path: Path) -> None:
    try:
        place = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    try:
        rule = struct.pack("=Qi", _READ_FILE, place)
        _call(_ADD_RULE, ruleset, _PATH_BENEATH, rule, ctypes.c_uint32(0))
    finally:
        os.close(place)


def limit(*, seconds: float, memory: int, files: int) -> None:
    """From now on: no byte written to a file, no core dump, `memory` bytes more of address space, `files` files.

    After `seconds` by the clock, or little more of the processor's, the kernel ends the process. A limit that the
    system lacks is left out: macOS has none on address space.
    """
    most = OPEN_FILES + files
    limits = [
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, most),
        (resource.RLIMIT_CPU, math.ceil(seconds) + 1),
    ]
    with contextlib.suppress(OSError):
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
        limits.append((resource.RLIMIT_AS, pages * resource.getpagesize() + memory))
    for what, value in limits:
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(what, (value, value))
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, seconds)


def _library() -> Any:
    return ctypes.CDLL(None, use_errno=True)


def _call(number: int, *arguments: object) -> int:
    return int(_library().syscall(ctypes.c_long(number), *arguments))
