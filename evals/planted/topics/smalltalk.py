"""Everyday talk: hobbies, plans, gifts, habits, moods. Advice of the kind a neighbour gives."""

from __future__ import annotations

from typing import Final

from ..draw import Draw, Speaker, lines, pairs, words
from ..messages import Record
from .scene import Scene, play
from .vocabulary import SHARED

SLOTS: Final[dict[str, tuple[str, ...]]] = {
    **SHARED,
    "hobby": words(
        "pottery|bouldering|birdwatching|bookbinding|choir singing|chess|sketching|sourdough baking|kayaking|"
        "knitting|beekeeping|playing the cello|woodcarving|astronomy|gardening|fencing|calligraphy|"
        "long-distance walking|restoring bicycles|learning Esperanto|film photography|table tennis|origami|"
        "swing dancing|model railways|mushroom picking|juggling|archery|quilting|open-water swimming"
    ),
    "animal": words(
        "an old greyhound|two kittens|a nervous rescue dog|a tortoise|a pair of budgies|a very loud parrot|"
        "{small} hens|a half-blind cat|a puppy that chews shoes|an aquarium of {small} guppies"
    ),
    "weather": words(
        "drizzle|bright frost|the first warm wind|a week of fog|thunder every evening|clear cold air|"
        "{small} days of rain|low sun|a late heatwave|the smell of snow"
    ),
    "place": words(
        "the library in {town}|the path along the canal|a bench behind the station|the allotments|"
        "the hill above {town}|the small cinema|the night market|the ferry to {town}|"
        "a bakery near the bridge|the botanical garden|the old harbour|the community centre in {town}"
    ),
    "mood": words(
        "restless|cheerful|a little homesick|worn out|proud|lonely on {weekday}s|full of plans|distracted|"
        "calmer than usual|nervous about {month}|nostalgic|stuck"
    ),
    "thing": words(
        "a jar of buttons|{small} half-read novels|a suitcase of letters|my grandfather's telescope|"
        "a box of maps|an unopened puzzle|{a colour} bicycle|a drawer of cables|{small} potted ferns|"
        "an accordion nobody plays|a stack of postcards from {town}|a broken umbrella"
    ),
    "event": words(
        "a birthday for {person}|a farewell for {name}|the street party|my first class in {hobby}|"
        "a train ride to {town}|an evening without screens|a picnic at {place}|a visit from {person}|"
        "my cousin's wedding in {town}|a quiet {weekday}"
    ),
    "habit": words(
        "going to bed before eleven|walking {minutes} minutes a day|reading {small} pages every night|"
        "cooking on {weekday}s|leaving my phone in the hall|writing to {person} once a week|"
        "stretching after work|drinking less coffee|practising {hobby} daily|tidying for {minutes} minutes"
    ),
}

_FOLLOW_UPS: Final = pairs("""
    What if I lose interest after {small} weeks?
        Then you had {small} weeks of {hobby}, which is no loss. Lend the gear to {person} and try again
        in {month}.
    {person} might laugh at me.
        Perhaps, once. Invite them to {place} and let them try; that usually ends the laughing.
    How did you come up with that?
        It is what people tell me about {hobby}: company matters more than talent.
    And when it is {weather} outside?
        Then stay in, make tea, and sort {thing}. It counts.
    Do you think {name} would join?
        Ask. A plain question on {weekday} beats {small} weeks of guessing.
    I only have {minutes} minutes a day.
        That is plenty. Put them right after something you do anyway, such as coming home.
    Thanks, that helps. Anything for the way there?
        A thermos, a pencil, and one song you know by heart. The way to {place} is short.
    What would you say to {person}?
        That you felt {mood}, that it passed, and that {weekday} would suit you.
    Is {amount} too much to spend on that?
        For a start, yes. Borrow first, and spend {amount} once you have gone {small} times.
    I am {mood} today, to be honest.
        Then let today be small: open a window, look at {weather}, and do one thing from the list.
""")

ADVICE: Final = Scene(
    settles=("hobby", "person", "mood"),
    opening=lines("""
        I have been thinking about taking up {hobby}.
        {person} wants me to try {hobby} and I feel {mood}.
        {weather} makes me {mood}, every year again.
        I moved to {town} {when} and know nobody yet.
        We now have {animal} and the flat has never been livelier.
        I am planning {event} and have no idea where to start.
        While cleaning I found {thing}.
        My new goal is {habit}, and it lasted {small} days.
        On {weekday} I walked to {place} for the first time since {month}.
        {name} asked me what makes me happy and I had no answer.
        I used to love {hobby} but have not touched it for {small} years.
        It is {weather} in {town} and I have the whole {weekday} free.
        {person} and I argue about {thing} all the time.
        Guess what: {animal} moved in next door.
    """),
    detail=lines("""
        My evenings are free except for {weekday}.
        I do not want to spend more than {amount}.
        {person} would come along if it is close to {place}.
        There are {small} of us, and two do not like {hobby}.
        I am {mood} most mornings and better after noon.
        Last {month} I gave up after {minutes} minutes.
        I still have {thing} in the cellar.
        The nearest group meets at {place}.
        {name} tried {habit} and swears by it.
        We have {small} weeks until {event}.
        I would rather not tell {person} yet.
        It would have to fit in between {habit} and work.
    """),
    question=lines("""
        What would you do?
        Where do I begin?
        Is that a silly idea?
        Do you have a small suggestion for {weekday}?
        How do I keep it up this time?
        Any thoughts?
        What should I bring?
        How do other people manage that?
        Could you cheer me up a little?
        Which of the two would you choose?
        How do I tell {person}?
    """),
    reply=lines("""
        That sounds like a good moment to begin.
        Being {mood} in {month} is more common than people admit.
        {hobby} is kinder to beginners than it looks.
        What a nice thing to find.
        {person} may be right, though not about everything.
        I like that plan, and I would make it smaller.
        There is no silly reason to go to {place}.
        Congratulations, and good luck with {event}.
        Three things come to mind.
        First of all, {small} days is not a failure.
        {a weekday} with nothing in it is a present.
    """),
    steps=lines("""
        Go to {place} once without wanting anything from it.
        Ask at {place}; somebody there usually knows a group for {hobby}.
        Borrow what you need from {name} before you buy it.
        Start with {minutes} minutes, and stop while it is still fun.
        Write three lines about it on {weekday}, no more.
        Invite {person} for the second time, not for the first.
        Leave {thing} where you will trip over it.
        Tell one person, for instance {name}, that you are trying.
        Put {habit} after something that happens anyway.
        Take the early bus to {town} and walk back through {weather}.
        Let {animal} decide when the break is over.
        Keep {amount} in an envelope for it and forget the rest.
        If it is {weather}, move it to {weekday} without feeling guilty.
        Make a list of {small} things that went well in {month}.
        Swap {habit} for {habit} and see which one stays.
        Say no to {event} if it makes you {mood}.
        Bring tea for {small} people, because someone always forgets.
        Give {thing} away to somebody who smiles at it.
        Look at {weather} for a minute before you look at your phone.
        Plan the way home first; {place} is dark after six.
    """),
    closing=lines("""
        How does that sound?
        Tell me on {weekday} how it went.
        Whatever you choose, I hope {person} is kind about it.
        And if it rains, there is always {hobby}.
        What did you like about it as a child?
        I would start {soon}.
        It does not have to be good, only yours.
        Say hello to {name} from me.
        Which part feels hardest?
        You will know after {small} tries.
        Give it until {date} and then decide.
    """),
    follow_ups=_FOLLOW_UPS,
)


def conversation(draw: Draw) -> Record:
    """One everyday record."""
    return {"messages": play(Speaker(draw, SLOTS), ADVICE), "source": "smalltalk"}
