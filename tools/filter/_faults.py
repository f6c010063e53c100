"""What can be wrong with an answer, seen in its text alone.

It knows chat-template markup, refusals and answers that stop short. It does not know records or thresholds.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from ..text.signals.prose import prose

MARKERS: Final = re.compile(
    r"<\|(?:im_start|im_end|im_sep|endoftext|endofprompt|begin_of_text|end_of_text|start_header_id|end_header_id|eot_id"
    r"|eom_id|python_tag|system|user|assistant|end|start|message|channel|START_OF_TURN_TOKEN|END_OF_TURN_TOKEN"
    r"|CHATBOT_TOKEN|USER_TOKEN|SYSTEM_TOKEN)\|>"
    r"|<｜(?:begin▁of▁sentence|end▁of▁sentence|User|Assistant)｜>"
    r"|<(?:start|end)_of_turn>|\[/?INST\]|<</?SYS>>|</?s>"
    r"|^### (?:Instruction|Input|Response|Human|Assistant|User|System):",
    re.MULTILINE,
)
"""Control tokens and headings of the common chat templates: ChatML, Llama 2 and 3, Mistral, Gemma, Phi,
Zephyr, Command R, DeepSeek, gpt-oss, Alpaca, Vicuna."""

_STRUCK_OUT: Final = re.compile(r"<s>[^<\n]+</s>")
_WORD: Final = re.compile(r"\w+")


def markers(text: str) -> list[tuple[int, int]]:
    """Where chat-template markup stands in a text outside code: [start, end) of each.

    HTML's struck-out `<s>words</s>` is no markup, unless it is the whole text.
    """
    if "<" not in text and "[" not in text and "###" not in text:
        return []
    plain = prose(text)
    if not _STRUCK_OUT.fullmatch(plain.strip()):
        plain = _STRUCK_OUT.sub(lambda found: " " * len(found.group()), plain)
    return [found.span() for found in MARKERS.finditer(plain)]


def replacement_characters(text: str) -> list[int]:
    """Where U+FFFD, the mark of bytes that could not be read, stands in a text outside code."""
    if "\ufffd" not in text:
        return []
    return [i for i, character in enumerate(prose(text)) if character == "\ufffd"]


def echo(answer: str, questions: Sequence[str]) -> int:
    """Letters and digits of an answer that has the words of one of the questions; 0 for others. Case
    aside."""
    opening = _WORD.search(answer)
    for question in questions:
        other = _WORD.search(question)
        if opening and other and opening.group().casefold() == other.group().casefold():
            words = _WORD.findall(answer.casefold())
            if words == _WORD.findall(question.casefold()):
                return sum(map(len, words))
    return 0


_OPENS_AS_REFUSAL: Final = re.compile(
    r"\W*(?:(?:i am|i'm|we are|we're) (?:so |very |really |truly )?(?:sorry|afraid)\b"
    r"|sorry\b|i apologi[sz]e\b|unfortunately\b"
    r"|as an? (?:ai|artificial|(?:large )?language model|assistant)\b|i (?:must|have to) (?:decline|refuse)\b"
    r"|(?:i am|i'm) (?:not (?:able|comfortable|allowed|permitted)|unable)\b"
    r"|i (?:cannot|can not|can't|won't|will not) (?:be able to )?(?:help|assist|answer|provide|share|fulfil"
    r"|comply|continue|discuss|do|create|write|generate)\b)",
    re.IGNORECASE,
)
_DECLINES: Final = re.compile(
    r"\b(?:can ?not|can't|won't|will not|unable|decline|refuse|not (?:able|comfortable|allowed|permitted))\b",
    re.IGNORECASE,
)
_REFUSAL_HEAD: Final = 200


def refuses(answer: str) -> bool:
    """Whether an answer opens as refusals do and declines within its first 200 characters (English only)."""
    head = answer[:_REFUSAL_HEAD].replace("’", "'")
    return _OPENS_AS_REFUSAL.match(head) is not None and _DECLINES.search(head) is not None


_SENTENCE_END: Final = re.compile(r"[.!?…。！？]['\"”’)\]]*\s")
_LIST_ITEM: Final = re.compile(r"^[ \t]*(?:([-*•+#>|])|\d+([.)]))(.*)$", re.MULTILINE)


def stops_short(answer: str) -> bool:
    """Whether an answer looks cut off: a code fence is left open, or prose stops in the middle of a sentence.

    A list item may end without a full stop, unless the items of its list before it have one.
    """
    if answer.count("```") % 2:
        return True
    text = answer.rstrip()
    if not text or not (text[-1].isalpha() or text[-1] in ",;(–—"):
        return False
    last_line = text[text.rfind("\n") + 1 :]
    if not (item := _LIST_ITEM.match(last_line)):
        return _SENTENCE_END.search(text) is not None and " " in last_line.strip()
    before = [one for one in _LIST_ITEM.finditer(text) if one.group(1, 2) == item.group(1, 2)][:-1]
    return bool(before) and all(one.group(3).rstrip().endswith((".", "!", "?")) for one in before)
