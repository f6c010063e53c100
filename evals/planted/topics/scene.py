"""A kind of conversation: somebody opens, adds a detail, asks; the other answers in some steps and closes."""

from __future__ import annotations

from dataclasses import dataclass

from ..draw import Speaker
from ..messages import Message, assistant, user


@dataclass(frozen=True, slots=True)
class Scene:
    """Pools of templates; a follow-up is a question and its answer. `settles`: slots drawn once."""

    settles: tuple[str, ...]
    opening: tuple[str, ...]
    detail: tuple[str, ...]
    question: tuple[str, ...]
    reply: tuple[str, ...]
    steps: tuple[str, ...]
    closing: tuple[str, ...]
    follow_ups: tuple[tuple[str, str], ...]


def play(speaker: Speaker, scene: Scene) -> list[Message]:
    """A whole conversation of one to four exchanges."""
    speaker.settle(*scene.settles)
    return [ask(speaker, scene), answer(speaker, scene), *follow_up(speaker, scene)]


def ask(speaker: Speaker, scene: Scene) -> Message:
    pools = [scene.opening, scene.question]
    if speaker.draw.chance(0.75):
        pools.insert(1, scene.detail)
    return user(speaker.say(*pools))


def answer(speaker: Speaker, scene: Scene) -> Message:
    steps = speaker.several(scene.steps, speaker.draw.between(2, 5))
    style = speaker.draw.below(4)
    if style == 0:
        body = "\n\n" + "\n".join(f"{i}. {step}" for i, step in enumerate(steps, 1)) + "\n\n"
    elif style == 1:
        body = "\n\n" + "\n".join(f"- {step}" for step in steps) + "\n\n"
    else:
        body = " " + " ".join(steps) + " "
    return assistant(speaker.say(scene.reply) + body + speaker.say(scene.closing))


def follow_up(speaker: Speaker, scene: Scene) -> list[Message]:
    turns = (0, 0, 0, 1, 1, 2, 3)[speaker.draw.below(7)]
    messages: list[Message] = []
    for pair in speaker.draw.some(scene.follow_ups, turns):
        question, reply = speaker.exchange(pair)
        messages += [user(question), assistant(reply)]
    return messages
