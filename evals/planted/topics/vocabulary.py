"""Words that every English topic shares. All people, places and model codes are made up."""

from __future__ import annotations

from typing import Final

from ..draw import paragraph, words

_DIGITS: Final = tuple("0123456789")
_NUMBERS: Final = tuple(str(n) for n in range(11, 98))

SHARED: Final[dict[str, tuple[str, ...]]] = {
    "name": words(
        "Ada|Amir|Anouk|Bela|Bruno|Carys|Chidi|Dara|Devi|Elif|Emeka|Esme|Farid|Freya|Gita|Goran|Hana|Hugo|"
        "Ines|Ivo|Jonas|Juno|Kai|Kavya|Lars|Leila|Lucia|Malik|Mina|Nadia|Nikos|Olga|Omar|Paola|Pavel|Quinn|"
        "Rafa|Rosa|Samir|Sanne|Tariq|Tilda|Uma|Viktor|Wanda|Xenia|Yara|Yusuf|Zane|Zofia|Zoë|Inès|Björn|Søren|"
        "Núria|Jürgen|Márta|André|Žofie|Łucja"
    ),
    "town": words(
        "Aldermoor|Brackwater|Cindle|Dunsby Cross|Eastmarrow|Fennwick|Garrow Point|Hollinsea|Inverlock|"
        "Jessop Green|Kelderby|Lowmarsh|Merrivale End|Northwold Quay|Oakhaven Hill|Pellham|Quillby|"
        "Ravenstoke|Saltmere|Thornleigh|Upper Wick|Vallmouth|Westering|Yarrowgate"
    ),
    "person": words(
        "my sister|my flatmate|a colleague|my neighbour|my father|my youngest|my manager|my partner|"
        "an old friend|my aunt|my team lead|my grandmother|my brother|the caretaker|my accountant|"
        "my landlord|my cousin|a former teacher|my daughter|the new trainee"
    ),
    "when": words(
        "this morning|last night|on Tuesday|two days ago|over the weekend|last month|yesterday at noon|"
        "on Friday|right after lunch|a week ago|just before closing time|late on Sunday|during the holidays|"
        "in early spring|on the first of the month|about an hour ago|at the end of last week|around midnight"
    ),
    "soon": words(
        "by tomorrow|this afternoon|before the weekend|by the end of the month|within two days|"
        "before Thursday|by next Monday|today if possible|before my holiday starts|within the week|"
        "ahead of the inspection|tonight"
    ),
    "small": words("two|three|four|five|six|seven|eight|nine|ten|a dozen"),
    "number": _NUMBERS,
    "minutes": words("five|eight|ten|twelve|fifteen|twenty|twenty-five|thirty|forty|forty-five|fifty|ninety"),
    "weekday": words("Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday"),
    "month": words("January|February|March|April|May|June|July|August|September|October|November|December"),
    "date": ("{day} {month}",),
    "day": tuple(str(n) for n in range(1, 29)),
    "amount": ("{number}.{tens}0", "{number}.{tens}5", "{number}.99", "1{number}.{tens}0"),
    "tens": _DIGITS,
    "few": _DIGITS[2:],
    "letter": tuple("ABCDEFGHJKLMNPRSTVWXYZ"),
    "code": (
        "{letter}{letter}-{number}{tens}",
        "{letter}{tens}{number}",
        "{letter}{letter}{letter} {number}",
    ),
    "order": (
        "{letter}{letter}{number}{number}{tens}",
        "{number}-{number}{tens}{letter}",
        "N{number}{number}{number}",
    ),
    "colour": words("green|amber|red|blue|white|violet|yellow|orange|grey|black|silver|brown|cream|turquoise"),
    "feeling": words(
        "a bit worried|quite annoyed|mostly curious|rather confused|hopeful|short of patience|"
        "relaxed about it|a little embarrassed|keen to learn|under some pressure|surprised|not in a hurry"
    ),
}

# What is neither English nor anything else.
PLAIN: Final = {key: SHARED[key] for key in ("name", "town", "number", "few", "tens", "letter", "code", "order", "day")}

SYSTEM_PROMPTS: Final = (
    "You are a helpful assistant.",
    "Answer briefly and politely.",
    "You are a patient tutor. Show each step and let the student finish the last one.",
    "You work for the help desk of a small shop. Never promise a date that the system has not confirmed.",
    "You are a careful programmer. Prefer the standard library and explain why a solution works.",
    "You are a home cook with thirty years of practice. Give amounts in metric units.",
    "Reply in the language of the user.",
    "You are a friendly companion for short chats. Ask one question back at most.",
    "If you are not sure, say so, and tell the user how they could find out.",
    "Format lists as Markdown and keep paragraphs under four sentences.",
)

# About 400 words: long enough that rows sharing it look alike to any comparison that includes system prompts.
SHARED_SYSTEM_PROMPT: Final = paragraph("""
    You are the house assistant of a small cooperative that runs a repair counter, a kitchen, a
    reading room and an evening school. People write to you from all four places, so the first thing
    to do with every message is to work out what the person is trying to get done and how much time
    they seem to have. Be warm without gushing. Use plain words, short paragraphs and the language
    in which the person wrote. When a question has a direct answer, give it in the first sentence
    and put the reasons after it. When it has none, say what would decide it and offer the next step
    that costs least.

    For the repair counter: never ask anybody to open a device that is connected to the mains, never
    guess at a warranty, and never name a date that the order system has not confirmed. Order
    numbers, serial numbers and amounts must be copied exactly as they were given. If a tool is
    available for looking something up, call it before you answer, and tell the person what you
    found instead of what you expected to find. Offer a repair before a replacement and a
    replacement before a refund, unless the person has already decided.

    For the kitchen: give amounts in grams and millilitres, temperatures in degrees Celsius, and
    times as a range. Mention nuts, gluten, milk, eggs and shellfish whenever a dish contains them.
    Food that has been warm for longer than two hours is thrown away, whatever it cost. Suggest one
    change that makes the dish cheaper and one that makes it quicker, but only when the person asked
    for ideas.

    For the evening school: show the working line by line, name the rule that each line uses, and
    check the result by another route before you state it. Code must run as written with the
    standard library of its language. Do not do graded homework in somebody's place; point at the
    first line that goes wrong and let them mend it.

    For the reading room and for everything else: talk like a good neighbour. Keep what people tell
    you about themselves out of later answers unless they bring it up again. Do not give medical,
    legal or financial advice beyond what a leaflet at the counter would say, and send anybody in
    danger to the emergency number at once. If you made a mistake, say which sentence was wrong,
    correct it, and carry on without a long apology. End when the question is answered.
""")
