"""`filter.rules` with the web profiles: datatrove's numbers and verdicts on its own words, every cut, and the tool."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tilth.agent.acting import resolving, toolbox
from tilth.agent.events import Noticed
from tilth.agent.workspace import Workspace
from tilth.tools.errors import Retry
from tilth.tools.filter._profiles import profile_named
from tilth.tools.store.rows import Rows
from tilth.tools.store.store import Store
from tilth.tools.text.signals import rule_signals
from tilth.tools.text.signals.pages import Pages, Spans
from tilth.tools.tool import get

MakeRows = Callable[..., Rows]

RECORDED = json.loads(Path(__file__).with_name("datatrove_table.json").read_text(encoding="utf-8"))
OF_WORDS = {
    "gopher@datatrove": rule_signals.gopher_of_datatrove,
    "c4": rule_signals.c4,
    "fineweb": rule_signals.fineweb,
}
WEB = ("gopher@paper", "gopher@datatrove", "c4", "fineweb")

PAGE = """The harbour lay quiet that morning. Nets hung over the wall, and two boats had come home with herring to sell.

Anna counted the boxes while her brother argued about prices. Nobody could have guessed how soon the weather would turn.

By noon a grey line stood above the islands. Older fishermen tied everything down; younger ones laughed at them.

When the storm broke, it took half of the pier. What remained was a row of posts, rope and a very surprised gull."""


PAGE_WITHOUT = re.sub(r"\b(the|to|of|and|that|have|with)\b", "le", PAGE, flags=re.IGNORECASE)


def spans(pages: Pages, words: list[str]) -> Spans:
    """Recorded words, found again in the only text of some pages."""
    start, at = [], 0
    for word in words:
        at = pages.text.index(word, at)
        start.append(at)
        at += len(word)
    begin = np.array(start, np.int64)
    return Spans(pages, begin, begin + np.array([len(word) for word in words], np.int64))


@pytest.mark.parametrize("profile", OF_WORDS)
@pytest.mark.parametrize("row", RECORDED, ids=lambda row: row["id"])
def test_numbers_and_verdicts_are_those_of_datatrove_on_its_words(row: dict[str, Any], profile: str) -> None:
    pages = Pages([row["text"]])
    measured = OF_WORDS[profile](pages, spans(pages, row["words"].split()))
    for name, value in row["values"].items():
        if name in measured:
            assert measured[name].tolist() == [value], name
    if profile in row["verdicts"]:
        rules, cuts = profile_named(profile).rules, profile_named(profile).cuts
        broken = (rule.reason for rule in rules if rule.breaks(measured, cuts)[0])
        assert next(broken, "") == row["verdicts"][profile]


def test_the_table_holds_every_signal_that_a_cut_is_about() -> None:
    recorded = {name for row in RECORDED for name in row["values"]}
    for profile in OF_WORDS:
        found = profile_named(profile)
        assert {rule.signal for rule in found.rules if rule.cut} <= recorded
        assert {rule.cut for rule in found.rules if rule.cut} == set(found.cuts)
    verdicts = {reason for row in RECORDED for reason in row["verdicts"].values()}
    assert len(verdicts) >= 20


def test_every_cut_is_a_threshold_of_the_tool() -> None:
    thresholds = {one.name for one in get("filter.rules").parameters if one.arg.threshold}
    assert thresholds == {cut for profile in ("sft", *WEB) for cut in profile_named(profile).cuts}


@pytest.mark.parametrize("profile", WEB)
def test_a_page_of_prose_stays(profile: str, make_rows: MakeRows, run_tool: Any) -> None:
    assert run_tool("filter.rules", make_rows([{"text": PAGE}]), profile=profile).decisions == []


@pytest.mark.parametrize(
    ("profile", "text", "reason"),
    [
        ("gopher@paper", "Too short to be of use.", "gopher_short_doc"),
        ("gopher@paper", "ox " * 50 + "the of", "gopher_below_avg_threshold"),
        ("gopher@paper", PAGE + " 12 34" * 40, "gopher_below_alpha_threshold"),
        ("gopher@paper", "\n".join(f"- {line}" for line in PAGE.split("\n\n")), "gopher_too_many_bullets"),
        ("gopher@paper", PAGE + "".join(f" rope, nets {word}" for word in PAGE.split()), "top_2_gram"),
        ("gopher@paper", PAGE_WITHOUT, "gopher_enough_stop_words"),
        ("gopher@datatrove", "", "empty"),
        ("gopher@datatrove", PAGE[:230], "gopher_short_doc"),
        ("gopher@datatrove", PAGE + "\n\n" + PAGE, "dup_para_frac"),
        (
            "gopher@datatrove",
            " ".join(word + "#" * (i % 5 == 0) for i, word in enumerate(PAGE.split())),
            "gopher_too_many_hashes",
        ),
        ("c4", "One line that ends.\nNo end here", "too_few_sentences"),
        ("c4", PAGE + "\nLorem ipsum dolor sit amet.", "lorem_ipsum"),
        ("c4", PAGE + "\nThis { is code.", "curly_bracket"),
        ("fineweb", " \n ", "empty"),
        ("fineweb", PAGE.replace(".", ""), "line_punct_ratio"),
        ("fineweb", "\n".join(f"Line {word}." for word in PAGE.split()[:40]), "short_line_ratio"),
        ("fineweb", PAGE + "\n" + PAGE.split("\n")[0], "char_dup_ratio"),
        ("fineweb", PAGE.replace("\n\n", "\n" * 15), "list_ratio"),
    ],
    ids=lambda value: value if value and len(value) < 30 and "\n" not in value else "text",
)
def test_each_reason(profile: str, text: str, reason: str, make_rows: MakeRows, run_tool: Any) -> None:
    ran = run_tool("filter.rules", make_rows([{"text": PAGE}, {"text": text}]), profile=profile)
    assert ran.dropped() == {1: reason}
    rule = next(rule for rule in profile_named(profile).rules if rule.reason == reason)
    evidence = ran.decisions[0]["evidence"]
    expected = {"signal": rule.signal, rule.cut: profile_named(profile).cuts[rule.cut]} if rule.cut else {}
    assert evidence == expected


def test_the_paper_counts_less_punctuation_than_datatrove() -> None:
    """Four words and two signs: the share of words with a letter is 1 for the paper and 4 / 6 for datatrove."""
    pages = Pages(["Yes, it is so."])
    assert rule_signals.gopher_of_paper(pages)["alpha_words"].tolist() == [1.0]
    assert rule_signals.gopher_of_datatrove(pages)["alpha_words"].tolist() == [4 / 6]


@pytest.mark.parametrize(
    ("cut", "value", "dropped"),
    [("min_words", 3, {}), ("min_words", 5000, {0: "gopher_short_doc", 1: "gopher_short_doc"})],
)
def test_a_threshold_replaces_the_profile_s_own(
    cut: str, value: float, dropped: dict[int, str], make_rows: MakeRows, run_tool: Any
) -> None:
    rows = make_rows([{"text": PAGE}, {"text": "The river that we have seen runs to the sea."}])
    assert run_tool("filter.rules", rows, profile="gopher@paper", **{cut: value}).dropped() == dropped


def test_what_if_tries_a_threshold(tmp_path: Path) -> None:
    file = tmp_path / "pages.jsonl"
    file.write_text(json.dumps({"text": PAGE}) + "\n", encoding="utf-8")
    with Workspace(tmp_path) as workspace:
        workspace.add(str(file), name="pages", format="text")
        tried = workspace.what_if("filter.rules", "pages", "min_words", ["10", "5000"], profile="gopher@paper")
    assert [one.dropped for one in tried] == [{}, {"gopher_short_doc": 1}]


def test_a_threshold_of_another_profile_is_refused(make_rows: MakeRows, run_tool: Any) -> None:
    rows = make_rows([{"text": PAGE}])
    with pytest.raises(Retry, match=r"c4 has no threshold 'min_words'"):
        run_tool("filter.rules", rows, profile="c4", min_words=10)
    with pytest.raises(Retry, match="sft has no threshold 'min_words'"):
        run_tool("filter.rules", rows, min_words=10)
    with pytest.raises(Retry, match="fineweb has no threshold 'max_markup'"):
        run_tool("filter.rules", rows, profile="fineweb", max_markup=3)


def test_what_cannot_be_is_refused(make_rows: MakeRows, run_tool: Any) -> None:
    rows = make_rows([{"text": PAGE}], format="text")
    with pytest.raises(Retry, match=r"min_words 200,000 is more than max_words 100,000"):
        run_tool("filter.rules", rows, profile="gopher@paper", min_words=200_000)
    with pytest.raises(Retry, match=r"Profiles: sft, gopher@paper, gopher@datatrove, c4, fineweb"):
        run_tool("filter.rules", rows, profile="gopher")


@pytest.mark.parametrize("profile", ["sft", *WEB])
def test_signals_of_every_row_are_stored_with_the_profile(
    profile: str, store: Store, make_rows: MakeRows, run_tool: Any
) -> None:
    rows = make_rows([{"text": PAGE}, {"text": ""}, {"text": "Привет, мир."}] * 3, pack_rows=4)
    signals = store.objects.read(run_tool("filter.rules", rows, profile=profile).entry.objects["signals"])
    assert signals["profile"].to_pylist() == [profile] * 9
    found = profile_named(profile)
    if profile != "sft":
        of_records = found.measure(rows.mapping, None, rows.records(range(9)))
        assert signals.select(of_records.column_names).to_pydict() == of_records.to_pydict()


@pytest.mark.parametrize(
    ("record", "warned"),
    [
        ({"text": PAGE}, False),
        ({"messages": [{"role": "user", "content": "Hi."}, {"role": "assistant", "content": "Hello."}]}, True),
        ({"instruction": "Greet.", "input": "", "output": "Hello."}, True),
        ({"prompt": "Hi.", "chosen": "Hello.", "rejected": "No."}, True),
    ],
)
def test_web_profiles_warn_once_on_chat_rows(
    record: dict[str, Any], warned: bool, store: Store, make_rows: MakeRows
) -> None:
    rows, heard = make_rows([record] * 3, pack_rows=1), []
    with store.writing("test"):
        for profile in ("gopher@datatrove", "sft"):
            args = {"profile": profile}
            toolbox.call_on(store, "filter.rules", "data", rows.vid, args, resolving.Settings(), listener=heard.append)
    said = [one for one in heard if isinstance(one, Noticed) and "made for web pages" in str(one)]
    assert len(said) == warned
