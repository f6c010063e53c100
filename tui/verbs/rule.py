"""Verbs by which people rule on rows: keep, drop, review.

It knows how an answer is asked for and read. What a ruling does is the workspace's business.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

from ...agent.events import Noticed
from ...tools.errors import Misuse
from .. import as_json
from ..render.records import reviewing
from ..terminal import terminal_of

if TYPE_CHECKING:
    from ...agent.review import Case
    from ...tools.store.format.mapping import Mapping
    from ...tools.store.past.rulings import Word
    from ..command import Command

    Said = list[tuple[Case, Word, str]]

WORDS: Final[dict[str, Word]] = {
    "k": "keep", "keep": "keep", "d": "drop", "drop": "drop", "u": "unsure", "unsure": "unsure",
}  # fmt: skip
QUIT: Final = ("q", "quit")
ASK: Final = "k keep, d drop, u unsure, each with a word why; q ends: "
HOW: Final = "Answer 'k why', 'd why', 'u' or 'q'."


def keep(command: Command) -> None:
    _rule_one(command, "keep")


def drop(command: Command) -> None:
    _rule_one(command, "drop")


def _rule_one(command: Command, word: str) -> None:
    args = command.args
    with command.open() as workspace:
        made = getattr(workspace, word)(args.row, because=args.because, dataset=args.dataset)
        ruled = workspace.why(args.row, dataset=made.dataset)
    line = {**as_json.replayed(made), "tool": word, "row_id": ruled.row_id, "because": args.because}
    command.face.result(line, lambda screen: reviewing.ruled(made, ruled, screen), instead=True)


def review(command: Command) -> None:
    args = command.args
    with command.open(args.dataset) as workspace:
        address = workspace.address(args.dataset)
        drawn = workspace.cases(address, reason=args.reason, count=args.count)
        mapping = workspace.rows(address).mapping
        said = list(_asked(command, drawn, mapping))
        if said:
            workspace.rule(address, said, blind=args.blind)
        rates = workspace.rates(address)
        vid = workspace.rows(address.partition("@")[0].partition("~")[0]).vid
    answers = {case.row.row_id: {"word": word, "because": because} for case, word, because in said}
    line: dict[str, Any] = {
        "tool": "review",
        "dataset": address,
        "version": vid,
        "drawn": len(drawn),
        "ruled": len(said),
        **{word: sum(one == word for _, one, _ in said) for word in ("keep", "drop", "unsure")},
        "rates": [as_json.rate(one) for one in rates],
        "cases": [
            {**as_json.case(one, blind=args.blind and one.row.row_id not in answers), **answers.get(one.row.row_id, {})}
            for one in drawn
        ],
    }
    command.face.result(line, lambda screen: reviewing.outcome(line, rates, screen), instead=True)


def _asked(command: Command, drawn: Sequence[Case], mapping: Mapping) -> Iterator[tuple[Case, Word, str]]:
    """What is said of each case, on a terminal or line by line from stdin. A line that is no answer raises Misuse."""
    interactive = sys.stdin.isatty()
    screen = terminal_of(sys.stderr, plain=bool(command.option("plain")))
    quiet = bool(command.option("quiet") or command.option("json")) and not interactive
    for number, case in enumerate(drawn, 1):
        if not quiet:
            for line in reviewing.case(case, number, len(drawn), mapping, command.args.blind, screen):
                print(line, file=sys.stderr)
        answer = _answer(number, interactive)
        if answer is None:
            return
        yield case, *answer
    if not interactive and (rest := sum(bool(line.strip()) for line in sys.stdin)):
        command.face.listener(Noticed(f"{rest} more lines of answers were not needed", "warning"))


def _answer(number: int, interactive: bool) -> tuple[Word, str] | None:
    """The next answer; None at its end. On a terminal, what is no answer is asked for again."""
    while True:
        if interactive:
            print(ASK, end="", file=sys.stderr, flush=True)
        try:
            line = sys.stdin.readline()
        except KeyboardInterrupt:
            return None
        word, _, because = line.strip().partition(" ")
        if not line or word.lower() in QUIT:
            return None
        ruled, because = WORDS.get(word.lower()), because.strip()
        if ruled is not None and (because or ruled == "unsure"):
            return ruled, because
        if not interactive:
            what = "gives no reason" if ruled else f"is no answer: {line.strip()[:60]!r}"
            raise Misuse(f"Line {number} of stdin {what}; no ruling was written down.", next_step=HOW)
        print(HOW, file=sys.stderr)
