"""How a clean record is damaged. Each defect is a function (draw, record) -> whether it could be done here.

It knows how to break things; what is broken in the end is decided in truth.py from the finished lines.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from typing import Any, Final

from .draw import Draw, capital, lines
from .messages import Message, Record
from .truth import is_mojibake

Defect = Callable[[Draw, Record], bool]

# --- Turns ---


def _turns(record: Record, role: str) -> list[int]:
    """Positions of the turns of a role that hold text."""
    return [i for i, m in enumerate(record["messages"]) if m["role"] == role and isinstance(m["content"], str)]


def _has_tools(record: Record) -> bool:
    return "tools" in record


def role_order(draw: Draw, record: Record) -> bool:
    messages, asked = record["messages"], _turns(record, "user")
    if _has_tools(record) or (len(asked) < 2 and messages[0]["role"] == "system"):
        return False
    if len(asked) < 2:
        messages.insert(1, {"role": "system", "content": "Keep the answer short and stay with the topic."})
    elif draw.chance(0.5):
        del messages[asked[0]]
    else:
        del messages[asked[1] - 1]
    return True


def last_turn_not_assistant(draw: Draw, record: Record) -> bool:
    if _has_tools(record):
        return False
    record["messages"].pop()
    return True


def empty_turn(draw: Draw, record: Record) -> bool:
    spoken = [i for i in (*_turns(record, "user"), *_turns(record, "assistant")) if i < len(record["messages"]) - 1]
    record["messages"][draw.pick(spoken)]["content"] = draw.pick(("", " ", "\n"))
    return True


def unknown_role(draw: Draw, record: Record) -> bool:
    record["messages"][draw.pick(_turns(record, "user"))]["role"] = draw.pick(("customer", "narrator", "moderator"))
    return True


def no_messages(draw: Draw, record: Record) -> bool:
    record["messages"].clear()
    return True


def _calls(record: Record) -> list[int]:
    return [i for i, message in enumerate(record["messages"]) if message.get("tool_calls")]


def tool_call_without_result(draw: Draw, record: Record) -> bool:
    calls = _calls(record)
    if calls:
        del record["messages"][draw.pick(calls) + 1]
    return bool(calls)


def tool_result_without_call(draw: Draw, record: Record) -> bool:
    calls = _calls(record)
    if calls:
        del record["messages"][draw.pick(calls)]
    return bool(calls)


def arguments_not_json(draw: Draw, record: Record) -> bool:
    calls = _calls(record)
    if not calls:
        return False
    function: dict[str, Any] = record["messages"][draw.pick(calls)]["tool_calls"][0]["function"]
    whole = function["arguments"]
    function["arguments"] = draw.pick((whole[:-2], whole.replace('"', "'"), whole.replace(":", " =", 1), whole[1:]))
    return True


# --- Characters ---


def _text_turn(draw: Draw, record: Record, fits: Callable[[str], bool]) -> Message | None:
    """One of the user's and the assistant's turns whose text fits."""
    messages = record["messages"]
    spoken = [
        messages[i] for i in (*_turns(record, "user"), *_turns(record, "assistant")) if fits(messages[i]["content"])
    ]
    return draw.pick(spoken) if spoken else None


def _sprinkled(draw: Draw, text: str, signs: tuple[str, ...], times: int) -> str:
    for _ in range(times):
        at = draw.between(1, len(text) - 1)
        text = text[:at] + draw.pick(signs) + text[at:]
    return text


def mojibake(draw: Draw, record: Record) -> bool:
    """The UTF-8 of a turn, not all ASCII, is read as cp1252 or latin-1, at times twice."""
    turn = _text_turn(draw, record, lambda text: sum(map(str.isascii, text)) <= len(text) - 3 and not is_mojibake(text))
    if turn is None:
        return False
    for encoding in (("cp1252",), ("cp1252",), ("latin-1",), ("cp1252", "cp1252"))[draw.below(4)]:
        raw = turn["content"].encode("utf-8")
        try:
            turn["content"] = raw.decode(encoding)
        except UnicodeDecodeError:
            turn["content"] = raw.decode("latin-1")
    return True


def control_characters(draw: Draw, record: Record) -> bool:
    turn = _text_turn(draw, record, lambda text: len(text) > 20)
    if turn is None:
        return False
    signs = ("\x00", "\x07", "\x08", "\x0b", "\x0c", "\x1a", "\x1b[0m", "\x1b[31m", "\x7f")
    turn["content"] = _sprinkled(draw, turn["content"], signs, draw.between(1, 4))
    return True


def zero_width(draw: Draw, record: Record) -> bool:
    turn = _text_turn(draw, record, lambda text: len(text) > 20)
    if turn is None:
        return False
    turn["content"] = _sprinkled(draw, turn["content"], ("\u200b", "\u200b", "\u2060", "\ufeff"), draw.between(1, 6))
    return True


def not_nfc(draw: Draw, record: Record) -> bool:
    turn = _text_turn(draw, record, lambda text: unicodedata.normalize("NFD", text) != text)
    if turn is None:
        return False
    turn["content"] = unicodedata.normalize("NFD", turn["content"])
    return True


# --- Answers ---

REFUSALS: Final = lines("""
    I'm sorry, but I can't help with that.
    I cannot assist with this request.
    As an AI language model, I am not able to do that.
    Sorry, I am unable to provide an answer to this.
    I apologize, but I won't be able to continue with this.
    Unfortunately, I can't share information about that.
    I must decline to answer this question.
    I'm not comfortable discussing this topic.
""")
_REFUSAL_TAILS: Final = lines("""
    Is there something else you would like to know?
    Please contact a professional who can look at your case.
    My guidelines do not allow it.
    I hope you understand.
    You may want to ask somebody you trust instead.
    If you have another question, I will gladly try.
""")
_LOOPS: Final = lines("""
    I hope this helps.
    Let me know if you have any other questions about this.
    The answer is the same as before.
    and then the next step and
    Please try again later and check the settings once more.
    Thank you for your patience, we are looking into it.
    very very
    So the result is the result of the result.
""")


def _answer(record: Record) -> Message:
    """The last turn: of a clean record, the last answer."""
    return record["messages"][-1]  # type: ignore[no-any-return]


def markup_leak(draw: Draw, record: Record) -> bool:
    turn = _answer(record)
    text = turn["content"]
    asked = record["messages"][_turns(record, "user")[-1]]["content"]
    turn["content"] = draw.pick(
        (
            f"{text}\n<|im_end|>",
            f"<|im_start|>assistant\n{text}",
            f"{text}</s>",
            f"{text}\n[INST] {asked[:60]} [/INST]",
            f"{text}\n<|eot_id|><|start_header_id|>user<|end_header_id|>",
            f"<<SYS>>\nAnswer the user.\n<</SYS>>\n{text}",
            f"{text}<end_of_turn>\n<start_of_turn>user",
            f"{text}<|endoftext|>",
        )
    )
    return True


def empty_response(draw: Draw, record: Record) -> bool:
    _answer(record)["content"] = draw.pick(("", " ", "\n\n"))
    return True


def echoed_response(draw: Draw, record: Record) -> bool:
    asked = record["messages"][_turns(record, "user")[-1]]["content"]
    _answer(record)["content"] = draw.pick((asked, asked, asked.strip().lower(), f"{asked}\n", f'"{asked}"'))
    return True


def repeated_ngrams(draw: Draw, record: Record) -> bool:
    """The answer falls into a loop: a stock phrase, or its own last sentence, over and over."""
    turn = _answer(record)
    own = turn["content"].rstrip(".?!").rpartition(". ")[2]
    loop = own + "." if draw.chance(0.4) and 4 <= len(own.split()) <= 20 else draw.pick(_LOOPS)
    said, once = len(turn["content"].split()), len(loop.split())
    times = draw.between(3, 6) * (said + 40) // (2 * once) + 3
    turn["content"] = " ".join([turn["content"], *[loop] * times]).rstrip(".") + "."
    return True


def replacement_characters(draw: Draw, record: Record) -> bool:
    turn = _text_turn(draw, record, lambda text: len(text) > 40 and "`" not in text)
    if turn is None:
        return False
    text = list(turn["content"])
    foreign = [i for i, character in enumerate(text) if not character.isascii()]
    places = (
        foreign if len(foreign) > 1 else draw.some([i for i, c in enumerate(text) if c.isalpha()], draw.between(2, 8))
    )
    for i in places:
        text[i] = "\ufffd"
    turn["content"] = "".join(text)
    return True


def refusal(draw: Draw, record: Record) -> bool:
    _answer(record)["content"] = f"{draw.pick(REFUSALS)} {draw.pick(_REFUSAL_TAILS)}"
    return True


def truncation(draw: Draw, record: Record) -> bool:
    """The last answer is cut between two words of a sentence."""
    turn = _answer(record)
    words = turn["content"].split(" ")
    if len(words) < 30 or "```" in turn["content"]:
        return False
    places = [
        i for i in range(len(words) * 2 // 5, len(words) * 4 // 5) if words[i - 1].isalpha() and words[i].isalpha()
    ]
    if not places:
        return False
    turn["content"] = " ".join(words[: draw.pick(places)])
    return True


# --- Edited copies ---

_SYNONYMS: Final = {
    "please": "kindly", "help": "assist", "check": "verify", "small": "little", "because": "since",
    "only": "just", "usually": "normally", "wait": "hold on", "minutes": "min", "start": "begin",
    "needs": "requires", "good": "fine", "first": "initially", "then": "afterwards", "find": "locate",
    "enough": "sufficient", "before": "prior to", "should": "ought to", "after": "following", "every": "each",
    "without": "with no", "still": "even now", "mine": "my own",
}  # fmt: skip
_INSERTIONS: Final = ("just", "really", "also", "still", "perhaps")
_GREETINGS: Final = ("Hi!", "Hello there.", "OK.", "Right.", "Well,", "Thanks for asking.")


def small_edit(draw: Draw, text: str) -> str:
    """One edit of the kind a second editor makes: a synonym, a typo, a word more or less, another number."""
    words = text.split(" ")
    at = draw.below(len(words))
    word = words[at]
    choice = draw.below(6)
    if word.lower() in _SYNONYMS:
        new = _SYNONYMS[word.lower()]
        words[at] = capital(new) if word[0].isupper() else new
    elif word.isdigit() and choice < 4:
        words[at] = str(int(word) + draw.between(1, 9))
    elif choice == 0 and word.isalpha() and len(word) > 4:
        middle = len(word) // 2
        words[at] = word[: middle - 1] + word[middle] + word[middle - 1] + word[middle + 1 :]
    elif choice == 1 and word.isalpha() and word.islower() and len(words) > 8:
        del words[at]
    elif choice == 2:
        words[at] = word.upper()
    elif choice == 3:
        words.insert(0, draw.pick(_GREETINGS))
    else:
        words.insert(at, draw.pick(_INSERTIONS))
    return " ".join(words)


def edit(draw: Draw, record: Record) -> None:
    """A small edit to one turn, longer turns more often."""
    spoken = [record["messages"][i] for i in (*_turns(record, "user"), *_turns(record, "assistant"))]
    at = draw.below(sum(len(message["content"]) for message in spoken))
    for message in spoken:
        at -= len(message["content"])
        if at < 0:
            message["content"] = small_edit(draw, message["content"])
            return


def exchange_sentence(draw: Draw, record: Record, donor: Record) -> None:
    """One sentence of an answer gives way to one of another record's."""
    message = record["messages"][draw.pick(_turns(record, "assistant"))]
    answer = donor["messages"][draw.pick(_turns(donor, "assistant"))]["content"].replace("\n", " ")
    foreign = [sentence for sentence in answer.split(". ") if len(sentence.split()) > 3]
    sentences = message["content"].split(". ")
    if foreign:
        at = draw.below(len(sentences))
        sentences[at] = draw.pick(foreign).strip(" .") + "." * (at == len(sentences) - 1)
        message["content"] = ". ".join(sentences)


DEFECTS: Final[dict[str, Defect]] = {
    defect.__name__: defect
    for defect in (
        role_order, last_turn_not_assistant, empty_turn, tool_call_without_result, tool_result_without_call,
        arguments_not_json, unknown_role, no_messages,
        mojibake, control_characters, zero_width, not_nfc,
        empty_response, echoed_response, markup_leak, repeated_ngrams, replacement_characters,
        refusal, truncation,
    )
}  # fmt: skip
