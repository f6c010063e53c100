"""What is under way. It knows that one thing runs at a time, what that is called, and what waits for its end."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable


class Work:
    """`tell` says to the person that something has to wait, `begun` that something begins."""

    def __init__(self, tell: Callable[[str], None], begun: Callable[[], None]) -> None:
        self._tell, self._begun = tell, begun
        self.now = ""
        self.quiet = False
        self._waiting: deque[Callable[[], None]] = deque()

    def start(self, what: str, begin: Callable[[], None], *, quiet: bool = False) -> None:
        """Begin something that may write, or have it wait until what is under way has ended.

        Of something `quiet` the person is told neither that it waits nor what it notes by the way.
        """
        if self.now:
            if not quiet:
                self._tell(f"waits until this has ended: {self.now}")
            self.wait(lambda: self.start(what, begin, quiet=quiet))
            return
        self.now, self.quiet = what, quiet
        self._begun()
        begin()

    def wait(self, begin: Callable[[], None]) -> None:
        """Do this when what is under way has ended."""
        self._waiting.append(begin)

    def end(self) -> None:
        """It has ended: on with what waits."""
        self.now, self.quiet = "", False
        while self._waiting and not self.now:
            self._waiting.popleft()()
