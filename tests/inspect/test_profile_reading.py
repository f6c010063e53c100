"""The fast ways in which a profile reads and tests rows give what the plain ways give."""

from __future__ import annotations

from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from tilth.tools.clean._characters import FIXES, repaired
from tilth.tools.filter._profiles import profile_named
from tilth.tools.filter.chat import problems
from tilth.tools.inspect.measures.answers import may_be_faulty, may_loop
from tilth.tools.inspect.measures.checks import character_faults, is_plain_exchange, needs_a_look
from tilth.tools.inspect.measures.dialogue import Dialogue, closing, opening
from tilth.tools.inspect.measures.seen import Exchange, exchange, speech_reader, stretches
from tilth.tools.store.format.mapping import Mapping
from tilth.tools.text.conversation import Reader
from tilth.tools.text.language import languages

COLUMNS = {"messages": ("array",), "source": ("string",), "tools": ("array",), "images": ("array",)}
CHAT = Mapping("messages", {"messages": "messages", "tools": "tools"}, COLUMNS)

texts = st.sampled_from(["", " ", "Hello there.", "What is 2 + 2?", "Four", "été ’ok’", "\ufffd", "a\r\nb", "</s>"])
call = {"id": "c", "function": {"name": "f", "arguments": "{}"}}
picture = [{"type": "text", "text": "see"}, {"type": "image_url", "image_url": "u"}]


def message(key: str, role: object, **others: object) -> st.SearchStrategy[dict[str, Any]]:
    fixed = {key: role, **others}
    return st.fixed_dictionaries(
        {name: value if isinstance(value, st.SearchStrategy) else st.just(value) for name, value in fixed.items()}
    )


plain_message = message("role", st.sampled_from(["user", "assistant", "system"]), content=texts)
odd_message = st.one_of(
    message("from", st.sampled_from(["human", "gpt", "function_call", "narrator"]), value=texts),
    message("role", "assistant", content=None),
    message("role", "user", content=picture),
    message("role", "assistant", content=texts, tool_calls=[call]),
    message("role", "tool", tool_call_id="c", content=texts),
    st.just("no message"),
    st.just({"content": "nobody"}),
)
records = st.fixed_dictionaries(
    {"messages": st.lists(plain_message | odd_message, max_size=6)},
    optional={
        "source": texts,
        "tools": st.sampled_from([None, [{"name": "f"}]]),
        "images": st.just(["a.png"]),
    },
)


@given(records)
def test_speech_is_what_the_mapping_reads(record: dict[str, Any]) -> None:
    said = speech_reader(CHAT)(record)
    assert said == [(one.role, one.text, one.kind, one.turn) for one in CHAT.pieces(record)]
    fields = ([piece.text for piece in CHAT.pieces(record, name) if piece.text] for name in Exchange._fields)
    assert exchange(said) == tuple("\n\n".join(told) for told in fields)


@given(records)
def test_a_plain_exchange_is_nothing_filter_chat_objects_to(record: dict[str, Any]) -> None:
    reader = Reader(CHAT)
    if is_plain_exchange(speech_reader(CHAT)(record)):
        assert problems(reader.messages(record), reader.schemas(record)) == []


def test_most_conversations_are_plain() -> None:
    talk = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]
    read = speech_reader(CHAT)
    assert is_plain_exchange(read({"messages": [{"role": "system", "content": "s"}, *talk, *talk]}))
    assert is_plain_exchange(read({"messages": talk, "source": "x"}))
    assert not is_plain_exchange(read({"messages": talk[:1]}))
    assert not is_plain_exchange(read({"messages": []}))


TROUBLE = "abc é\n\t\r\x1b\x00\x85\u200b\u200d\u2060\ufeff\u2028ÃÂâ€™©ï¿½…’“—е́日本語ไทยक्ष👍👩\u0301\u0308"
hostile = st.text(st.sampled_from(TROUBLE) | st.characters(), max_size=30)


@given(hostile)
@example("cafÃ© au lait")
@example("e\u0301")
@example("ab\u200bcd")
def test_a_text_that_needs_no_look_has_nothing_to_repair(text: str) -> None:
    fixed, repairs = repaired(text, FIXES)
    if not needs_a_look(text):
        assert fixed == text
    assert (character_faults(text) == []) == (fixed == text)
    assert set(character_faults(text)) <= {repair.reason for repair in repairs}


def test_typographic_text_needs_no_look() -> None:
    assert not needs_a_look("“Naïve” – it’s 20 °C in Zürich…")


SFT = profile_named("sft")
LIMITS = {"min_echo": 15, "max_markup": 0, "max_looped": 0.3, "max_replacement_characters": 0}
words = st.lists(
    st.sampled_from(
        [
            *["the", "cat", "sat", "on", "a", "mat", "and", "then", "it"],
            "1",
            "2",
            "-",
            "<s>",
            "[INST]",
            "`the`",
            "sorry",
        ]
    ),
    max_size=40,
)
answers = st.one_of(
    texts,
    words.map(" ".join),
    st.builds(lambda some, times, rest: " ".join([*rest, *(some * times)]), words, st.integers(1, 5), words),
    st.sampled_from(
        [
            "I'm sorry, but I cannot help with that.",
            "As an AI language model, I can't do this.",
            "It is done. And so we went to the",
            "```python\nprint(1)",
            "What is 2 + 2?",
            "what IS 2 - 2",
            "去年我们一起去了北京" * 6,
            "<|im_end|> and more",
            "### Instruction: do",
            "Yes \ufffd no",
        ]
    ),
)


@given(st.lists(st.tuples(st.sampled_from(["user", "assistant", "system"]), answers), max_size=5))
def test_a_sound_answer_is_nothing_filter_rules_objects_to(said: list[tuple[str, str]]) -> None:
    record = {"messages": [{"role": role, "content": text} for role, text in said]}
    signals = SFT.measure(CHAT, None, [record])
    columns = {name: signals[name].to_numpy(zero_copy_only=False) for name in signals.column_names}
    objections = [rule.reason for rule in SFT.rules if rule.breaks(columns, LIMITS)[0]]
    objections += [name for name in ("refusal", "truncation") if columns[name][0]]
    if not may_be_faulty(speech_reader(CHAT)(record), "assistant"):
        assert objections == []


def test_ordinary_answers_are_sound() -> None:
    prose = (
        "Water boils when its vapour pressure reaches that of the air around it. High in the mountains the air is "
        "thinner, so that happens sooner and pasta takes longer. A lid helps a little: it keeps heat in the pot."
    )
    assert not may_loop(prose)
    assert not may_be_faulty([("user", "Why?", "text", 0), ("assistant", prose, "text", 1)], "assistant")


def test_stretches_are_cut_at_the_same_rows_whatever_the_packs(make_rows: Any) -> None:
    records = [{"text": f"line {i}"} for i in range(9_000)]
    cuts = []
    for name, pack_rows in (("one", 1 << 20), ("many", 700)):
        found = list(stretches(make_rows(records, name=name, pack_rows=pack_rows), "text"))
        cuts.append([(seen.start, len(seen)) for seen in found])
        assert [text for seen in found for text in seen.texts] == [record["text"] for record in records]
    assert cuts[0] == cuts[1] == [(0, 4_096), (4_096, 4_096), (8_192, 808)]


def test_phrases_are_five_words_of_answers_that_hold_more() -> None:
    long = "As an AI language model I think that this text goes on and on " * 3
    assert opening(long) == "As an AI language model"
    assert closing(long) == "text goes on and on"
    assert opening("As an AI language model") == closing("on and on") == ""


def test_the_texts_of_one_turn_are_measured_together(make_rows: Any) -> None:
    dialogue = Dialogue()
    rows = make_rows([{"instruction": "Add", "input": "1 and 2", "output": "3"}] * 2)
    for seen in stretches(rows, "dialogue"):
        dialogue.see(seen)
    assert dialogue.by_role["user"].quantiles((50,)) == {"p50": len("Add") + len("1 and 2")}
    assert dialogue.by_role["user"].count == 2
    assert dialogue.messages.quantiles((50,)) == {"p50": 2}


def test_languages_are_named_and_code_is_not_read() -> None:
    told = languages(
        [
            "Wie kann ich mein Passwort zurücksetzen? Danke für die Hilfe.",
            "How do I reset my password? Thanks for your help.",
            "मैं अपना पासवर्ड कैसे रीसेट करूं? कृपया मदद करें।",
            "Ja.",
            "```python\nfor i in range(10): print(i)\n```",
            "How do I sort this long list of names?\n```\nпривет как дела мой друг сегодня\n```",
            "",
        ]
    )
    assert told == ["de", "en", "hi", "und", "und", "en", "und"]
