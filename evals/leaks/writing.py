"""Word problems in two wordings each: the second asks the same in other words. It knows sentences only."""

from __future__ import annotations

from typing import Final

from ..planted.draw import Draw, words

NAMES: Final = words(
    "Agnes | Boris | Cecilia | Dorian | Edith | Felix | Gloria | Hector | Irene | Jasper | Karin | Leopold | Miriam | "
    "Nestor | Olga | Percy | Renata | Silvio | Thea | Ulric"
)
THINGS: Final = words(
    "lemons | candles | bricks | postcards | tiles | buttons | seedlings | marbles | ribbons | lanterns | pebbles | "
    "envelopes | walnuts | spoons | feathers | coins"
)
TOWNS: Final = words(
    "Lisbon | Bremen | Ghent | Turku | Brno | Nantes | Seville | Tartu | Porto | Gdansk | Leipzig | Lyon"
)
DAYS: Final = words("Monday | Tuesday | Wednesday | Thursday | Friday | Saturday | Sunday")

SCENES: Final[tuple[tuple[tuple[str, str, str], tuple[str, str, str]], ...]] = (
    (
        ("{name} packs {a} boxes of {thing} for the market in {town}, with {b} pieces in every box.",
         "On the way {c} pieces are lost because the cart from {town2} tips over near the bridge.",
         "How many {thing} does {name} still have to sell when {day} comes?"),
        ("Every box that {name} brings to {town} holds {b} {thing}, and there are {a} such boxes.",
         "A cart of {town2} falls over and {c} of them are gone.",
         "What is left for sale on {day}?"),
    ),
    (
        ("The school of {town} has {a} classes, and each class plants {b} {thing} along the old wall on {day}.",
         "A storm from {town2} then takes {c} of them away in a single night.",
         "After that night, how many {thing} are counted by the gardener {name}?"),
        ("On {day} each of {a} classes in {town} sets {b} {thing} beside a wall.",
         "By morning {c} have been blown off as far as {town2}.",
         "Which number does gardener {name} write down?"),
    ),
    (
        ("A ferry leaves {town} with {a} passengers, each of whom carries {b} {thing} in a wooden crate.",
         "At the customs house of {town2}, the officer {name} keeps {c} {thing} for closer inspection.",
         "With how many {thing} does the ferry go on towards its last harbour on {day}?"),
        ("{a} people board in {town}, all of them with {b} {thing}.",
         "Officer {name} holds {c} back in {town2}.",
         "How large is the cargo of {thing} that sails on after {day}?"),
    ),
    (
        ("{name} reads {b} pages each evening for {a} evenings, beginning on a {day} in {town}.",
         "The book about {thing} was a present of an aunt in {town2} and has {c} more pages than were read.",
         "How many pages does the whole book about {thing} have?"),
        ("In {town}, from {day} on, {a} evenings pass with {b} pages of reading for {name}.",
         "{c} pages of what the aunt from {town2} gave are then still unread.",
         "Of how many pages is the volume on {thing} made?"),
    ),
    (
        ("To tile the hall in {town}, the mason {name} needs {a} rows of {b} stones each, says the plan.",
         "Beneath the stairs {c} stones can be saved, as the council of {town2} found on {day}.",
         "How many stones must be ordered from the merchant who also trades in {thing}?"),
        ("A plan for {town} foresees {b} stones in each of {a} rows; {name} is to lay them.",
         "On {day} somebody from {town2} notices that {c} are not needed under the stairs.",
         "What does the order at the shop for {thing} come to?"),
    ),
    (
        ("For the fair on {day}, {a} stalls in {town} were given {b} {thing} apiece by the organiser {name}.",
         "Visitors who had come by train from {town2} bought {c} of all these before noon.",
         "How many {thing} lay on the tables of the fair at noon?"),
        ("Organiser {name} hands {b} {thing} to every one of {a} stalls on {day}.",
         "In the morning {c} are sold in {town}, all to guests from {town2}.",
         "What was the stock of {thing} at twelve?"),
    ),
    (
        ("{name} walks {b} kilometres a day for {a} days on the path that leads from {town} past {town2}.",
         "Because a bridge is closed, {c} kilometres are added to the way on {day}, the longest of all.",
         "What is the length of the whole walk, in kilometres, when {name} sells the {thing} at its end?"),
        ("The path by {town2} takes {a} days at {b} kilometres each, beginning in {town}.",
         "{day} brings a detour of {c} more.",
         "How far has {name}, who trades in {thing}, gone in total?"),
    ),
    (
        ("An archive in {town} keeps {a} shelves of letters about {thing}, with {b} letters on each shelf.",
         "The archivist {name} lends {c} letters to a museum in {town2} until {day}.",
         "How many letters about {thing} can be read in the archive meanwhile?"),
        ("{b} letters lie on every one of the {a} shelves that the archive of {town} has on {thing}.",
         "Until {day}, {c} are with a museum of {town2}; {name} sent them.",
         "What can a reader ask for in the meantime?"),
    ),
    (
        ("At the mill of {name} near {town}, {a} sacks are filled every hour, and the mill runs for {b} hours on {day}.",
         "A baker of {town2} who pays with {thing} takes {c} sacks before any are stored.",
         "How many sacks go into the store beside the mill?"),
        ("{name} runs a mill by {town} which fills {a} sacks an hour; on {day} it works {b} hours.",
         "{c} sacks leave at once for {town2}, in exchange for {thing}.",
         "What number of sacks is put away?"),
    ),
    (
        ("The choir of {town} sells {a} tickets at {b} euros each for its concert on {day}.",
         "Renting the hall in {town2} and buying {thing} for the stage costs {c} euros, notes the treasurer {name}.",
         "What does the choir have left for its journey?"),
        ("{a} people pay {b} euros each to hear a choir of {town} on {day}.",
         "Treasurer {name} spends {c} euros in {town2} on the room and on {thing}.",
         "How much money remains to travel with?"),
    ),
    (
        ("In the workshop of {name}, {a} apprentices make {b} {thing} a week each, mostly for a shop in {town}.",
         "The inspector who arrives from {town2} on {day} rejects {c} of that week's work.",
         "How many {thing} of the week may be delivered to the shop?"),
        ("Each week {b} {thing} come from every one of {name}'s {a} apprentices.",
         "On {day} an inspector of {town2} finds fault with {c}.",
         "What can the shop in {town} be sent?"),
    ),
    (
        ("A gardener called {name} waters {a} beds in {town}, and every bed takes {b} cans of water on a {day}.",
         "Rain that drifts over from {town2} spares the beds {c} cans in all.",
         "How many cans are carried past the shed with the {thing} that day?"),
        ("{a} beds in {town} want {b} cans of water each, says {name} on {day}.",
         "Thanks to showers from {town2}, {c} cans need not be fetched.",
         "What is the number of trips past the {thing}?"),
    ),
)  # fmt: skip
"""Two wordings of a problem, of three sentences each, with the same slots: what there is, what changes, what is asked."""

FILLERS: Final = words(
    "{name} wrote a long letter about {thing} and sent it to {town}. | Nobody in {town} remembers who brought the first "
    "{thing} there. | The library of {town} opens at nine, on {day} at ten. | {name} and a friend from {town} spent {day} by "
    "the river. | There is a shop in {town2} where {thing} are repaired. | A club in {town} meets each {day} to talk about "
    "{thing}. | {name} learned to cook in {town2} and never wanted to leave. | The road from {town} to {town2} was closed for "
    "{a} days. | In winter {name} draws {thing} and gives the drawings away. | The museum of {town2} shows {b} paintings of "
    "{thing}. | It rained in {town} for {a} days, and then the sun came out. | {name} found {c} old coins below the floor."
)


class Slots(dict[str, str]):
    """What the words in braces mean in one text."""

    @staticmethod
    def drawn(draw: Draw) -> Slots:
        town, other = draw.some(TOWNS, 2)
        numbers = {"a": draw.between(6, 48), "b": draw.between(7, 39), "c": draw.between(3, 40)}
        given = {
            "name": draw.pick(NAMES),
            "thing": draw.pick(THINGS),
            "town": town,
            "town2": other,
            "day": draw.pick(DAYS),
        }
        return Slots({**given, **{name: str(value) for name, value in numbers.items()}})


def told(wording: tuple[str, ...], slots: Slots) -> list[str]:
    """The sentences with their slots filled."""
    return [sentence.format_map(slots) for sentence in wording]


def filler(draw: Draw, count: int) -> list[str]:
    """Sentences that have nothing to do with any item."""
    return [frame.format_map(Slots.drawn(draw)) for frame in draw.some(FILLERS, count)]
