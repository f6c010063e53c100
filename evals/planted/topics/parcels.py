"""Help-desk conversations about orders, which are looked up with a tool."""

from __future__ import annotations

from typing import Final

from ..draw import Draw, Speaker, lines, pairs, words
from ..messages import Message, Record, assistant, tool_exchange, tool_schema, user
from .scene import Scene, answer, ask, follow_up
from .support import FOLLOW_UPS, SLOTS

_FOLLOW_UPS: Final = (
    *FOLLOW_UPS,
    *pairs("""
        What happens if nobody is at home?
            Then {carrier} keeps it for {small} working days and leaves a note with the address.
        Can {person} sign for it?
            Yes, anybody at the door can sign; mention the {colour} gate in the note for {carrier}.
        Is the parcel insured?
            Up to {amount}. If it arrives damaged, take {small} photos before you open it.
    """),
)

PARCEL: Final = Scene(
    settles=("order", "town", "goods"),
    opening=lines("""
        Where is order {order}?
        I am still waiting for {goods}, ordered {when} under {order}.
        Order {order} was meant to reach {town} {when}.
        The tracking page for {order} has said the same thing since {weekday}.
        {person} expected {goods} on {date}, order {order}, and nothing came.
        Half of order {order} arrived; {goods} was not in the parcel.
        Could you look up {order} for me?
        I would like to change the address of {order} to {name}, {town}.
        A note says {carrier} was here {when}, but we were at home; it is about {order}.
        Please cancel {order} if it has not left yet.
    """),
    detail=lines("""
        It is a present for {person}.
        I leave for {town} on {date}.
        The bell works, {person} tested it.
        I paid for the quick delivery, {amount} extra.
        {carrier} told me to ask you.
        The confirmation came to {name} {when}.
        I am {feeling} by now.
        Our entrance is around the corner, next to the {colour} gate.
        A similar parcel took {small} days last {month}.
        I can pick it up in {town} as well.
    """),
    question=lines("""
        Can you find out what happened?
        When will it get here?
        Is there a way to speed this up?
        Should I order again?
        Can it be sent to {town} instead?
        Do I have to be at home?
        May I get my {amount} back?
        Who should I call?
        What does the status mean?
        Will the rest come {soon}?
    """),
    reply=lines("""
        I looked up {order}: it is {status}, with {count} of {total} items packed.
        According to the system, {order} is {status} and expected on {eta}.
        Order {order} is {status}; the last scan was in {place}.
        Thanks for waiting. The entry for {order} says {status}, last seen in {place}.
        Good news about {order}: {status}, and {eta} is the confirmed day.
        Here is what I found for {order}: {status}, {count} of {total} items, next stop {place}.
    """),
    steps=lines("""
        The depot needs until {eta} because {small} trucks were held up.
        You do not have to sign if you leave a note for the driver.
        I asked them to call before they come.
        The rest follows in a second parcel without further cost.
        If it is not there on {eta}, we send {goods} again.
        The address can be changed until the parcel leaves {place}.
        A pick-up in {town} is possible with the code {code}.
        I returned the {amount} for quick delivery.
        The driver tried the {colour} gate and found it locked.
        Tracking shows the next scan in the evening of {weekday}.
        It weighs {number} kilograms, so please have somebody help you.
        We hold it for {small} days if you prefer to collect it.
    """),
    closing=lines("""
        I will watch {order} and write when it moves.
        Does {weekday} suit you, or shall we hold it?
        Sorry for the wait.
        You will get a message an hour before.
        Reply with a word if you would rather cancel.
        Enjoy the rest of {weekday}.
        The number for questions is {code}.
        Please keep the packaging until you have checked everything.
        I hope it arrives in time for {person}.
    """),
    follow_ups=_FOLLOW_UPS,
)

_STATUSES: Final = words(
    "on the way|packed|waiting at the depot|being sorted|out for delivery|on hold at the border|"
    "returned to the depot|"
    "split into two parcels|ready for collection|loaded onto the evening truck"
)
_TOOLS: Final = [
    tool_schema("lookup_order", "Status and place of an order.", order="string"),
    tool_schema("open_ticket", "Opens a ticket and returns its number.", subject="string", urgent="boolean"),
]


def conversation(draw: Draw) -> Record:
    """One record in which the assistant looks the order up before it answers."""
    speaker = Speaker(draw, SLOTS)
    speaker.settle(*PARCEL.settles)
    messages = _looked_up(speaker)
    messages += _ticket(speaker) if draw.chance(0.25) else follow_up(speaker, PARCEL)
    return {"messages": messages, "tools": _TOOLS, "source": "support"}


def _looked_up(speaker: Speaker) -> list[Message]:
    draw, order = speaker.draw, speaker.settled["order"]
    total = draw.between(2, 9)
    packed = draw.between(1, total)
    status, place = draw.pick(_STATUSES), draw.pick(SLOTS["town"])
    expected = speaker.fill("{weekday} {date}")
    result = {
        "order": order,
        "status": status,
        "items": {"packed": packed, "ordered": total},
        "expected": expected,
        "last_scan": place,
    }
    question = ask(speaker, PARCEL)
    speaker.settled.update(status=status, place=place, eta=expected, count=str(packed), total=str(total))
    return [
        question,
        *tool_exchange(draw, "lookup_order", {"order": order}, result),
        answer(speaker, PARCEL),
    ]


def _ticket(speaker: Speaker) -> list[Message]:
    draw = speaker.draw
    speaker.settled["ticket"] = speaker.fill("T-{number}{number}")
    arguments = {"subject": speaker.fill("Follow up {order} with {town}"), "urgent": draw.chance(0.3)}
    return [
        user(speaker.fill("Please open a ticket about {order} so that {name} in {town} sees it.")),
        *tool_exchange(draw, "open_ticket", arguments, {"ticket": speaker.settled["ticket"]}),
        assistant(speaker.fill("Done, the ticket is {ticket}. {name} will answer by {weekday}.")),
    ]
