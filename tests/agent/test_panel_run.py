"""A panel at work: books that balance, one output whatever the timing, nothing paid twice, escalations in the band."""

from __future__ import annotations

import asyncio
import dataclasses
import signal
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest

from tilth.agent.events import Counted, Noticed
from tilth.agent.panel.policy import decide
from tilth.tools.errors import Misuse, OverBudget, Unavailable
from tilth.tools.panel import Books, Policy, Rejected, Verdict


def balances(books: Books) -> bool:
    decided = books.accepted + sum(books.rejected.values()) + sum(books.failed.values()) + books.undecided
    return books.planned == decided + books.pending


# -- one run ---------------------------------------------------------------------------------------------------------


def test_verdicts_come_in_plan_order_and_the_books_balance(panelists: ModuleType) -> None:
    books, found = panelists.outcome(panelists.panel(*panelists.cast()), panelists.job(60))
    assert [one[0] for one in found] == list(range(60))
    assert balances(books)
    assert books.planned == 60
    assert books.accepted == sum(one[1] == "accepted" for one in found) > 20
    assert (books.policy, books.cut, books.cut_from, books.window) == ("near_cut_vote", 7.0, "given", 256)
    assert books.calls == sum(len(one[7]) for one in found)
    assert books.escalated == sum(one[6] for one in found) > 0


def test_escalations_are_exactly_the_rows_in_the_band(panelists: ModuleType) -> None:
    verdicts: list[Verdict] = []
    panelists.panel(*panelists.cast()).run(panelists.job(120), verdicts.append)
    for one in verdicts:
        scores = [review.score for review in one.reviews if review.role == "reviewer"]
        assert one.escalated == decide("near_cut_vote", Policy(), 7.0, scores).near
        assert one.escalated == any(review.role == "adjudicator" for review in one.reviews)
    assert 0 < sum(one.escalated for one in verdicts) < 60


def test_the_order_of_models_and_roles_changes_nothing(panelists: ModuleType) -> None:
    expected = panelists.outcome(panelists.panel(*panelists.cast()), panelists.job(60))
    roles = {"adjudicator": ["dora"], "reviewer": ["cleo", "anna", "ben"], "generator": ["writer"]}
    assert panelists.outcome(panelists.panel(*reversed(panelists.cast()), roles=roles), panelists.job(60)) == expected


def test_it_stops_at_the_last_wanted_row_and_counts_what_is_surplus(panelists: ModuleType) -> None:
    books, found = panelists.outcome(panelists.panel(*panelists.cast()), panelists.job(None, wanted=20))
    assert (books.accepted, found[-1][1]) == (20, "accepted")
    assert balances(books)
    assert (books.planned, books.pending) == (len(found), 0)
    assert books.surplus <= 20
    whole = panelists.outcome(panelists.panel(*panelists.cast()), panelists.job(200))[1]
    assert whole[: len(found)] == found


def test_more_rows_begin_with_the_rows_there_were(panelists: ModuleType) -> None:
    memory = panelists.Memory()
    few = panelists.outcome(panelists.panel(*panelists.cast(memory)), panelists.job(None, wanted=10))[1]
    more = panelists.outcome(panelists.panel(*panelists.cast(memory)), panelists.job(None, wanted=25))[1]
    assert more[: len(few)] == few
    assert max(memory.paid.values()) == 1


def test_an_endless_plan_without_an_accepted_row_ends_short(panelists: ModuleType) -> None:
    heard: list[Any] = []
    hard = panelists.judge("anna", lambda answer: {"correct": False, "complete": False})
    roles = {"generator": ["writer"], "reviewer": ["anna"]}
    panel = panelists.panel(panelists.writer(), hard, roles=roles, listener=heard.append)
    books, _ = panelists.outcome(panel, panelists.job(None, wanted=5))
    assert (books.accepted, books.rejected) == (0, {"below_cut": 256})
    assert any(isinstance(one, Noticed) and "ends short of 5" in one.text for one in heard)


def test_a_run_for_no_rows_asks_nobody(panelists: ModuleType) -> None:
    models = panelists.cast()
    assert panelists.outcome(panelists.panel(*models), panelists.job(None, wanted=0)) == (Books(), [])
    assert not any(model.asked for model in models)


# -- what the generator does -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("outcome", "code"),
    [("refused", "refused"), ("length", "length"), ("unparsable", "unparsable"), ("rejected", "bad_request")],
)
def test_what_a_generator_does_is_an_outcome(panelists: ModuleType, outcome: str, code: str) -> None:
    silent = panelists.Scripted("writer", lambda messages, request: (outcome, "so it goes"))
    models = [silent, *panelists.cast()[1:]]
    books, found = panelists.outcome(panelists.panel(*models), panelists.job(3))
    assert books.rejected == {code: 3}
    assert balances(books)
    assert [len(one[7]) for one in found] == [1, 1, 1]


def test_gates_come_before_any_judge_is_paid(panelists: ModuleType) -> None:
    models = panelists.cast()
    gate = lambda task, made: Rejected("odd", "an odd one") if task.position % 2 else None  # noqa: E731
    books, _ = panelists.outcome(panelists.panel(*models), panelists.job(40, gates=[gate]))
    assert books.rejected["odd"] == 20
    assert len(models[1].asked) == 20


def test_a_rejected_draft_is_revised_with_questions_and_quotes(panelists: ModuleType) -> None:
    text = lambda question: "A bad beginning, it says."  # noqa: E731
    writer = panelists.writer(text=text)
    revised = lambda messages: any(one["role"] == "assistant" for one in messages)  # noqa: E731
    first = writer.say
    writer.say = lambda messages, request: "A good one." if revised(messages) else first(messages, request)
    strict = panelists.judge(
        "anna",
        lambda answer: dict.fromkeys(("correct", "complete"), "good" in answer),
        quotes=["bad beginning", "A lie."],
    )
    panel = panelists.panel(writer, strict, roles={"generator": ["writer"], "reviewer": ["anna"]})
    verdicts: list[Verdict] = []
    books = panel.run(panelists.job(1, revisions=1), verdicts.append)
    assert (books.accepted, books.dropped_quotes) == (1, 3)  # a lie twice, and what the second draft lacks
    assert verdicts[0].evidence["revisions"] == 1
    asked = writer.asked[1][0]
    assert asked[1] == {"role": "assistant", "content": "A bad beginning, it says."}
    assert "Is it correct?" in asked[2]["content"]
    assert "\nbad beginning\n</passage " in asked[2]["content"]
    assert "A lie." not in asked[2]["content"]
    assert [one[1]["nonce"] for one in writer.asked] == [["plain@1/0", "answer", 0], ["plain@1/0", "answer", 1]]
    never = panelists.outcome(panel, panelists.job(1))[0]
    assert never.rejected == {"below_cut": 1}


def test_a_poor_instruction_is_not_answered(panelists: ModuleType) -> None:
    from tilth.tools.panel import Request, Step

    ask = lambda task, prior: Request([{"role": "user", "content": f"Ask.\n{task.data['question']}"}])  # noqa: E731
    told = lambda task, prior, answer: answer["text"]  # noqa: E731
    for review, judges in (("one", 1), ("panel", 3)):
        models = panelists.cast()
        work = panelists.job(
            20,
            steps=[Step("instruction", ask, told), *panelists.job().steps],
            instruction_review=review,
            instruction_after="instruction",
            instruction_rubric=dataclasses.replace(panelists.RUBRIC, name="instructions"),
            instruction=lambda task, prior: {"answer": prior["instruction"]},
        )
        books, found = panelists.outcome(panelists.panel(*models), work)
        poor = books.rejected["instruction_below_cut"]
        assert 0 < poor < 20
        assert len(models[0].asked) == 40 - poor
        assert [len(one[7]) for one in found if one[2] == "instruction_below_cut"] == [1 + judges] * poor


def test_first_questions_make_the_plan_and_are_asked_once(panelists: ModuleType) -> None:
    from tilth.tools.panel import Request, Task

    memory = panelists.Memory()
    first = [Request([{"role": "user", "content": f"Name a thing.\n{word}"}]) for word in ("apple", "pear", "apple")]

    def plan(answers: Any) -> Any:
        assert len(answers) == 3
        texts = sorted({one["text"] for one in answers})
        return lambda: (Task(i, {"question": text}) for i, text in enumerate(texts))

    work = panelists.job(first=first, plan=plan)
    books, found = panelists.outcome(panelists.panel(*panelists.cast(memory)), work)
    assert books.planned == len(found) == 2
    assert (books.calls, books.cached) == (len(memory.paid) + 1, 0)  # the double of a question, asked at the same time
    again, same = panelists.outcome(panelists.panel(*panelists.cast(memory)), work)
    assert (again.calls, same) == (0, found)


# -- near duplicates -------------------------------------------------------------------------------------------------

WORDS = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve", "thirteen"]


def test_rows_that_nearly_repeat_seeds_or_each_other_are_rejected(panelists: ModuleType) -> None:
    texts = [" ".join(WORDS), " ".join(WORDS[:12]), " ".join(reversed(WORDS)), "short one", "short one", "Seed " * 3]
    say = lambda question: texts[int(question.split()[1])]  # noqa: E731
    kind = panelists.judge("anna", lambda answer: {"correct": True, "complete": True})
    panel = panelists.panel(panelists.writer(text=say), kind, roles={"generator": ["writer"], "reviewer": ["anna"]})
    verdicts: list[Verdict] = []
    books = panel.run(panelists.job(6, seeds=["seed seed seed"]), verdicts.append)
    assert [one.outcome for one in verdicts] == ["accepted", "rejected", "accepted", "accepted", "rejected", "rejected"]
    assert books.rejected == {"near_duplicate": 2, "near_duplicate_of_seed": 1}
    assert verdicts[1].evidence["number"] == 0
    assert verdicts[1].evidence["jaccard"] == round(8 / 9, 6)
    assert (verdicts[5].evidence["of"], len(verdicts[5].reviews)) == ("seed", 0)
    assert len(verdicts[4].reviews) == 1  # accepted within the window: seen only at commit


def test_a_repeat_of_a_row_behind_the_window_costs_no_review(panelists: ModuleType) -> None:
    kind = panelists.judge("anna", lambda answer: {"correct": True, "complete": True})
    writer = panelists.writer(text=lambda question: "The same answer to every question there is.")
    panel = panelists.panel(writer, kind, roles={"generator": ["writer"], "reviewer": ["anna"]}, concurrency=1)
    books, found = panelists.outcome(panel, panelists.job(30))
    assert (books.accepted, books.rejected, books.window) == (1, {"near_duplicate": 29}, 8)
    assert [len(one[5]) for one in found] == [1] * 9 + [0] * 21


# -- timing, faults, kills -------------------------------------------------------------------------------------------


def delayed(panelists: ModuleType, timing: int) -> Any:
    return lambda key: 0.01 + 2.0 * panelists.chance(timing, key) ** 4


def duplicates(question: str) -> str:
    """Every third answer was given before."""
    number = int(question.split()[1])
    return f"an answer that is as good as number {number if number % 3 else number // 6} of all the answers there are"


def troubled(panelists: ModuleType, timing: int, memory: Any, fault: Any = lambda key: False) -> Any:
    models = panelists.cast(memory, delay=delayed(panelists, timing), fault=fault)
    models[0].say = panelists.writer(text=duplicates).say
    return panelists.panel(*models, concurrency=4)


WANTED = 15


def finished(panelists: ModuleType, timing: int, memory: Any, fault: Any = lambda key: False, kill: float = 0) -> Any:
    """Run in virtual time; killed `kill` seconds into it: None."""
    found: list[Any] = []
    panel = troubled(panelists, timing, memory, fault)

    async def work() -> Any:
        books = panel.work(panelists.job(None, wanted=WANTED), lambda verdict: found.append(panelists.told(verdict)))
        if not kill:
            return await books
        try:
            async with asyncio.timeout(kill):
                return await books
        except TimeoutError:
            return None

    books = panelists.in_virtual_time(work())
    return (books, found) if books is not None else None


def result(books: Books) -> tuple[Any, ...]:
    """What of the books no timing may change."""
    return books.accepted, books.rejected, books.planned, books.escalated


def test_twelve_timings_and_kills_give_one_output_and_pay_once(panelists: ModuleType) -> None:
    books, expected = finished(panelists, 0, panelists.Memory())
    assert books.rejected["near_duplicate"] > 0
    for timing in range(1, 13):
        memory = panelists.Memory()
        killed = sum(finished(panelists, 100 * timing + i, memory, kill=1.0 + i) is None for i in range(timing % 4))
        again, found = finished(panelists, timing, memory)
        assert found == expected
        assert result(again) == result(books)
        assert max(memory.paid.values()) == 1
        assert killed == timing % 4


def test_with_faults_the_books_balance_and_the_end_is_the_same(panelists: ModuleType) -> None:
    books, expected = finished(panelists, 0, panelists.Memory())
    memory = panelists.Memory()
    stops = 0
    for attempt in range(200):
        panel = troubled(panelists, attempt, memory, lambda key, n=attempt: panelists.chance("fault", n, key) < 0.3)
        found: list[Any] = []
        try:
            panelists.in_virtual_time(
                panel.work(panelists.job(None, wanted=WANTED), lambda verdict: found.append(panelists.told(verdict)))  # noqa: B023
            )
        except Unavailable as error:
            stops += 1
            assert "Run the same command again" in str(error)
            assert balances(panel.books)
            assert panel.books.pending > 0
            assert found == expected[: len(found)]
            continue
        break
    assert stops > 3
    assert found == expected
    assert result(panel.books) == result(books)
    assert max(memory.paid.values()) == 1


def test_a_re_run_pays_nothing_and_tells_the_same(panelists: ModuleType) -> None:
    memory = panelists.Memory()
    first = panelists.outcome(panelists.panel(*panelists.cast(memory)), panelists.job(40))
    again = panelists.outcome(panelists.panel(*panelists.cast(memory)), panelists.job(40))
    assert again[1] == first[1]
    assert (again[0].calls, again[0].cached) == (0, first[0].calls)


def test_giving_up_is_recorded_and_has_an_end(panelists: ModuleType) -> None:
    bad = panelists.cast()
    bad[0].fault = lambda key: panelists.chance("gone", key) < 0.2
    books, found = panelists.outcome(panelists.panel(*bad, give_up=True), panelists.job(40))
    assert books.failed["unavailable"] == 3
    assert balances(books)
    assert {one[2] for one in found if one[1] == "failed"} == {"unavailable"}
    bad[0].fault = lambda key: True
    with pytest.raises(Unavailable, match="64 tasks in a row had to be given up"):
        panelists.outcome(panelists.panel(*bad, give_up=True), panelists.job(None, wanted=10, name="other@1"))


def test_a_budget_parks_as_well(panelists: ModuleType) -> None:
    models = panelists.cast()
    left = iter(range(50))

    def broke(messages: Any, request: Any) -> Any:
        if next(left, None) is None:
            raise OverBudget("The run has reached its cap of 50 calls.", next_step="Raise --max-calls to go on.")
        return "An answer."

    models[0].say = broke
    panel = panelists.panel(*models)
    with pytest.raises(
        OverBudget, match=r"cap of 50 calls\. .* are accepted, \d+ tasks are pending\. Raise --max-calls"
    ):
        panelists.outcome(panel, panelists.job(90, near_duplicate=None))
    assert balances(panel.books)


def test_what_is_wrong_with_the_whole_run_ends_it_at_once(panelists: ModuleType) -> None:
    def wrong(messages: Any, request: Any) -> Any:
        raise Misuse("lab:8000 refuses the key.")

    models = panelists.cast()
    models[0].say = wrong
    with pytest.raises(Misuse, match="refuses the key"):
        panelists.outcome(panelists.panel(*models), panelists.job(90))


def test_an_error_while_verdicts_are_taken_ends_the_run(panelists: ModuleType) -> None:
    def full(verdict: Verdict) -> None:
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        panelists.panel(*panelists.cast()).run(panelists.job(50), full)

    async def inside() -> None:
        panelists.panel(*panelists.cast()).run(panelists.job(50), full)

    with pytest.raises(OSError, match="disk full"):
        asyncio.run(inside())


def test_within_a_running_loop_verdicts_come_to_this_thread(panelists: ModuleType) -> None:
    import threading

    expected = panelists.outcome(panelists.panel(*panelists.cast()), panelists.job(30))
    threads: set[int] = set()

    async def inside() -> Any:
        found: list[Any] = []

        def take(verdict: Verdict) -> None:
            threads.add(threading.get_ident())
            found.append(panelists.told(verdict))

        return panelists.panel(*panelists.cast()).run(panelists.job(30), take), found

    assert asyncio.run(inside()) == expected
    assert threads == {threading.get_ident()}


def test_an_interrupt_ends_the_run_and_the_next_goes_on(panelists: ModuleType) -> None:
    memory = panelists.Memory()

    def interrupted(verdict: Verdict) -> None:
        if verdict.task.position == 10:
            raise KeyboardInterrupt

    panel = panelists.panel(*panelists.cast(memory))
    with pytest.raises(KeyboardInterrupt):
        panel.run(panelists.job(40), interrupted)
    assert panel.books.pending > 0
    assert balances(panel.books)
    again, found = panelists.outcome(panelists.panel(*panelists.cast(memory)), panelists.job(40))
    assert found == panelists.outcome(panelists.panel(*panelists.cast()), panelists.job(40))[1]
    assert max(memory.paid.values()) == 1
    assert again.cached > 0


@pytest.fixture
def ctrl_c() -> Iterator[None]:
    """The interpreter's own answer to SIGINT, whatever another test has put in its place."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_ctrl_c_says_how_to_go_on(panelists: ModuleType, ctrl_c: None) -> None:
    heard: list[Any] = []
    models = panelists.cast()
    first = models[0].say

    def pressed(messages: Any, request: Any) -> Any:
        if "question 20" in panelists.user(messages):
            signal.raise_signal(signal.SIGINT)
        return first(messages, request)

    models[0].say = pressed
    panel = panelists.panel(*models, listener=heard.append)
    with pytest.raises(KeyboardInterrupt):
        panel.run(panelists.job(200), lambda verdict: None)
    assert any("run the same command again to go on" in one.text for one in heard if isinstance(one, Noticed))
    assert balances(panel.books)


# -- what people see -------------------------------------------------------------------------------------------------


def test_accounts_are_told_while_it_runs_and_at_the_end(panelists: ModuleType) -> None:
    heard: list[Any] = []
    panel = panelists.panel(*panelists.cast(), listener=heard.append)
    books, _ = panelists.outcome(panel, panelists.job(None, wanted=20))
    counted = [one for one in heard if isinstance(one, Counted)]
    last = counted[-1]
    assert (last.accepted, last.wanted, last.in_flight, last.parked) == (20, 20, 0, 0)
    assert last.calls == books.calls
    assert dict(last.rejected) == books.rejected


def test_accounts_are_told_at_most_five_times_a_second(panelists: ModuleType) -> None:
    from tilth.agent.panel.ask import Meter
    from tilth.agent.panel.books import Accounts, Teller

    now, heard = [0.0], []
    teller = Teller("x", None, Accounts(), Meter(), lambda: 0.0, heard.append, clock=lambda: now[0])
    for _ in range(1_000):
        teller.tell(parked=0, in_flight=1)
        now[0] += 0.002
    assert len(heard) in (10, 11)
