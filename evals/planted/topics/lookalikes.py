"""Honest conversations that look like defects: quoted markup, songs, tables, joiners, echoes on request."""

from __future__ import annotations

from typing import Final

from ..draw import Draw, Speaker, capital, lines, words
from ..messages import Message, Record, addressed, assistant, user
from . import scripts, smalltalk
from .scene import play

SLOTS: Final[dict[str, tuple[str, ...]]] = {
    **smalltalk.SLOTS,
    "marker": (
        "<|im_start|>",
        "<|im_end|>",
        "</s>",
        "[INST]",
        "[/INST]",
        "<|eot_id|>",
        "<<SYS>>",
        "<|endoftext|>",
    ),
    "part": words("the system turn|a tool result|the last answer|the user's question|an empty turn|the second message"),
    "project": words("a small trainer|my evening course|{a colour} notebook|{name}'s library|a parser|a data loader"),
    "spoilt": ("`Ã©`", "`â€™`", "`Ã¼`", "`Â°`", "`â€œ`", "`Ã±`"),
    "adjective": words(
        "narrow|silver|patient|crooked|early|wandering|quiet|borrowed|salted|northern|hollow|amber|restless"
    ),
    "noun": words(
        "river|lantern|harbour|sparrow|orchard|ladder|window|winter|railway|blanket|kettle|meadow|stairway|bell"
    ),
    "verb": words("carry|follow|mend|remember|borrow|gather|whistle|answer|cover|welcome|count|untie|forgive|warm"),
}


def quoted_markup(draw: Draw) -> Record:
    """A talk about chat templates; every marker stands in backticks or in a code block."""
    speaker = Speaker(draw, SLOTS)
    asks = lines("""
        What does `{marker}` stand for in the template of {project}?
        In {project} the text shows `{marker}` right after {part}. Is that correct?
        How do I write a chat template by hand for {project}, with {part} left out?
        {person} told me to strip `{marker}` before training {project}. Why?
        Which token closes {part} when {project} reads the file?
        For {project}: where does `{marker}` go if {part} is missing?
    """)
    notes = lines("""
        The token `{marker}` opens or closes a turn and is never typed by a person.
        If `{marker}` shows up inside an answer, the template was applied twice.
        Keep {part} apart from the markers and let {project} add them on {weekday}.
        Other families write `{marker}` where this one writes `{marker}`.
        Count them: {small} turns need {small} closing markers.
        {name} once left `{marker}` in and the model began to print it after {part}.
        A tokenizer turns `{marker}` into a single id, so splitting it by hand fails.
        Test {project} with {part} empty and with {number} turns.
    """)
    blocks = (
        "```text\n<|im_start|>user\n{event}?<|im_end|>\n<|im_start|>assistant\nAt {place}.<|im_end|>\n```",
        "```text\n<s>[INST] What is {habit} good for? [/INST] For {event}.</s>\n```",
        "```html\n<p>Was <s>{amount}</s>, now {amount} for {thing}</p>\n```",
        "```jinja\n[INST] <<SYS>>\nTalk about {hobby} only.\n<</SYS>>\n{event} [/INST]\n```",
    )
    speaker.settle("project", "part")
    question = speaker.fill(draw.pick(asks))
    said = [speaker.several(notes, draw.between(1, 3)), speaker.several(notes, draw.between(1, 2))]
    block = speaker.fill(draw.pick(blocks))
    messages = [user(capital(question)), assistant(f"{' '.join(said[0])}\n\n{block}\n\n{' '.join(said[1])}")]
    return addressed({"messages": messages, "source": "coding"})


def quoted_damage(draw: Draw) -> Record:
    """A talk about broken encodings; the broken characters stand in backticks."""
    speaker = Speaker(draw, SLOTS)
    asks = lines("""
        In the export for {project} I see {spoilt} where {person} typed an accent. What happened?
        Why does {part} show {spoilt} only on my machine in {town}?
        {name} gets `\ufffd` instead of letters in {project} since {weekday}. How come?
        Can {spoilt} be turned back into the right letter, or is {part} lost?
    """)
    notes = lines("""
        The bytes are UTF-8 but {project} read them as a Western code page, which gives {spoilt}.
        The sign `\ufffd` is different: the original byte is gone, so fetch {part} again from {name}.
        Open the file for {project} with the right encoding and {spoilt} disappears.
        As long as you see {spoilt}, nothing is lost; re-encode and decode {part} once.
        Check {small} rows from {town} by eye before you convert the rest.
        Save {part} under a new name, so that {weekday}'s copy stays as it is.
        If {part} was damaged twice, repeat the step and compare with what {person} sent {when}.
    """)
    speaker.settle("project", "part", "name")
    question = capital(speaker.fill(draw.pick(asks)))
    messages = [user(question), assistant(" ".join(speaker.several(notes, draw.between(3, 5))))]
    return addressed({"messages": messages, "source": "coding"})


def repetition(draw: Draw) -> Record:
    """A song with a chorus, a timetable, a list with one beginning, or code with many alike lines."""
    speaker = Speaker(draw, SLOTS)
    shape = draw.below(4)
    if shape == 0:
        messages = _song(speaker)
    elif shape == 1:
        messages = _timetable(speaker)
    elif shape == 2:
        messages = _list(speaker)
    else:
        messages = _asserts(speaker)
    return {"messages": messages, "source": "coding" if shape == 3 else "smalltalk"}


def _song(speaker: Speaker) -> list[Message]:
    verses = lines("""
        I met {a adjective} {noun} on the road to {town}
        and {name} had {a noun} and nothing to lend
        we {verb} the {adjective} {noun} until the morning
        the {noun} kept quiet, the {noun} was mine
        my {adjective} old {noun} knows the way to {town}
        and who will {verb} it when {month} is done
        they {verb} and {verb} what the {noun} left behind
        {small} {adjective} {noun}s by {name}'s front door
        you said you would {verb} me {a noun} by {weekday}
        but {month} came early and so did the {noun}
        we sold the {noun} to {verb} the {noun}
        {a colour} {noun} leaning on {a adjective} {noun}
    """)
    hook = lines("""
        so {verb} the {noun}, {verb} the {noun}
        {verb} it home to {town}
        oh {adjective}, {adjective} {noun} of mine
        until the {noun} comes down
        sing for the {noun}, {name}, sing
    """)
    chorus = "\n".join(speaker.several(hook, 3))
    parts = []
    for _ in range(3):
        parts += ["\n".join(speaker.several(verses, 6)), chorus]
    request = lines("""
        Could you write a song about {a adjective} {noun} for {person}?
        {name} needs a song for {event}, with a chorus that comes back. Any ideas?
        A song for {event} please, three verses, something about {a noun}.
        Write lyrics in which {a adjective} {noun} goes to {town}, with a refrain.
    """)
    return [
        user(speaker.say(request)),
        assistant(speaker.fill("Here it is, {name}:") + "\n\n" + "\n\n".join(parts)),
    ]


def _timetable(speaker: Speaker) -> list[Message]:
    draw = speaker.draw
    weekdays = SLOTS["weekday"]
    rows = ["| Day | Room | Activity | Led by | Open |", "|---|---|---|---|---|"]
    for day in weekdays:
        led = speaker.fill("{name}")
        answer = draw.pick(("yes", "yes", "no"))
        rows.append(
            f"| {day} | {draw.pick(('hall', 'hall', 'attic'))} | {speaker.fill('{hobby}')} | {led} | {answer} |"
        )
    request = lines("""
        Can you put the week of {person} into a table, with {hobby} in it?
        We need a timetable for the house in {town}, one activity a day.
        Please make a plan for {name}: who leads what, and where.
    """)
    note = speaker.say(_NOTES)
    return [user(speaker.say(request)), assistant("\n".join(rows) + "\n\n" + note)]


_NOTES: Final = lines("""
    On {weekday} the attic is cold, so bring {thing}.
    Ask {name} for the key before {weekday}.
    {event} would fit best on {weekday}.
    If {name} cannot come, swap two days.
""")


def _list(speaker: Speaker) -> list[Message]:
    beginning = speaker.fill(speaker.draw.pick(lines("""
        Thank you, {name}, for the day when
        I will always remember {name} because
        What I like about {town} is that
        Before the first of {month} I want to make sure that
    """)))  # fmt: skip
    ends = lines("""
        {person} brought {thing} to {place}
        we sat at {place} in {weather} and talked about {hobby}
        nobody minded {animal} at {event}
        {habit} turned into {event} by accident
        {name} fixed {thing} with {a colour} ribbon
        {weather} came and we stayed at {place} anyway
        {small} people I hardly knew helped with {thing}
        there was time for {habit} and for {event}
        {animal} slept through {event}
        {person} felt {mood} and said so
    """)
    items = [f"- {beginning} {speaker.fill(end)}" for end in speaker.draw.some(ends, speaker.draw.between(5, 8))]
    request = lines("""
        Help me with a list for {name}, all lines with the same beginning.
        I want to read something at {event}, where each line starts alike. Can you draft it?
        Please write a list poem about {town} for {person}.
    """)
    return [user(speaker.say(request)), assistant("\n".join(items))]


def _asserts(speaker: Speaker) -> list[Message]:
    draw = speaker.draw
    first, second = draw.some(SLOTS["noun"], 2)
    name = f"{draw.pick(SLOTS['verb'])}_{first}"
    checks = []
    for _ in range(draw.between(6, 10)):
        a, b = draw.between(2, 99), draw.between(2, 99)
        checks.append(f"    assert {name}(size={a}, count={b}, label='{draw.pick(SLOTS['colour'])}') == {a * b}")
    code = "\n".join([f"def test_{name}_multiplies_{second}():", *checks])
    question = speaker.fill(
        f"Please write tests for `{name}(size, count, label)`, which {{person}} wrote {{when}}; it "
        f"multiplies, and the label "
        "changes nothing."
    )
    tail = speaker.say(lines("""
        Add a case with zero when {name} has decided what it should give.
        Run it {soon}, and once more on {weekday} with {person}.
        The colours stand for anything; {name} may use {a noun} instead.
    """))  # fmt: skip
    return [user(question), assistant(f"```python\n{code}\n```\n\n{tail}")]


def joiner(draw: Draw) -> Record:
    """Persian spelling, or emoji made of several signs: both need characters of no width."""
    if draw.chance(0.5):
        return scripts.persian(draw)
    speaker = Speaker(draw, SLOTS)
    messages = play(speaker, smalltalk.ADVICE)
    record = addressed({"messages": messages, "source": "smalltalk"})
    signs = (
        "👩\u200d🍳",
        "👨\u200d👩\u200d👧",
        "🧑\u200d🌾",
        "👩\u200d🎨",
        "🧑\u200d🚀",
        "👨\u200d🔧",
        "🐈\u200d⬛",
    )
    for message in messages:
        if draw.chance(0.6) or message is messages[0]:
            message["content"] += " " + draw.pick(signs)
    return record


def echo(draw: Draw) -> Record:
    """The user asks for a sentence back, and gets that sentence and no more."""
    speaker = Speaker(draw, SLOTS)
    sentence = speaker.say(smalltalk.ADVICE.opening, smalltalk.ADVICE.detail)
    request = speaker.fill(draw.pick(lines("""
        Please repeat this exactly, for a microphone test in {town}:
        Say the following back to me without changes, {name} is recording:
        Copy this line for {person}, nothing else:
        Read this aloud as it stands; we practise for {event}:
    """)))  # fmt: skip
    return {"messages": [user(f'{request} "{sentence}"'), assistant(sentence)], "source": "smalltalk"}
