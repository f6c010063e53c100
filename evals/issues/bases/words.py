"""Small word lists of our own from which tables are written. It knows words, no tables."""

from __future__ import annotations

from typing import Final

from ...planted.draw import words

FIRST_NAMES: Final = words(
    "Ada | Bruno | Carla | Dmitri | Elif | Farid | Greta | Hana | Ivo | Jana | Kofi | Lena | Marek | Nadia | Omar | "
    "Petra | Quinn | Rosa | Sami | Tess | Uwe | Vera | Wanda | Yara | José | Zoë | Jürgen | Chloé | Søren | Inés"
)
LAST_NAMES: Final = words(
    "Adler | Baker | Cerny | Diaz | Ekman | Fischer | Garnier | Haddad | Ilves | Jansen | Kaya | Lund | Moreau | "
    "Novak | Okafor | Pereira | Quist | Rossi | Sato | Thorne | Ulrich | Vega | Weber | Young | Müller | Núñez | Bélanger"
)
CITIES: Final = {
    "Lisbon": "Portugal", "Porto": "Portugal", "Madrid": "Spain", "Seville": "Spain", "Lyon": "France",
    "Nantes": "France", "Ghent": "Belgium", "Bremen": "Germany", "Leipzig": "Germany", "Vienna": "Austria",
    "Brno": "Czechia", "Gdansk": "Poland", "Tartu": "Estonia", "Turku": "Finland", "Malmö": "Sweden",
    "Århus": "Denmark",
}  # fmt: skip
PRODUCTS: Final = {
    "kettle": "kitchen", "toaster": "kitchen", "frying pan": "kitchen", "bread knife": "kitchen",
    "desk lamp": "lighting", "floor lamp": "lighting", "string lights": "lighting", "notebook": "stationery",
    "fountain pen": "stationery", "stapler": "stationery", "hammer": "tools", "drill": "tools", "spirit level": "tools",
    "watering can": "garden", "pruning shears": "garden", "seed tray": "garden",
}  # fmt: skip
COLOURS: Final = words("red | blue | green | black | white | grey | yellow | brown | silver | orange")
MONTHS: Final = words(
    "January | February | March | April | May | June | July | August | September | October | November"
)

# Tickets: sentences that tell the label, by label, and sentences that tell nothing.
TICKETS: Final = {
    "billing": words(
        "the invoice for {thing} shows the wrong amount | I was charged twice for {thing} | my refund for {thing} has "
        "not arrived | the payment for {thing} failed although my bank took the money | the discount is missing on the "
        "invoice for {thing}"
    ),
    "delivery": words(
        "the parcel with {thing} has not arrived | the courier left {thing} at a neighbour's door | tracking says {thing} "
        "is in another city | the parcel with {thing} came damaged by the courier | the courier never rang when bringing {thing}"
    ),
    "account": words(
        "I cannot log in since I ordered {thing} | the password reset mail never comes after I bought {thing} | my login "
        "was locked while I was ordering {thing} | I want to delete my profile now that {thing} is here | my profile still "
        "shows an old address for {thing}"
    ),
    "product": words(
        "{thing} stopped working after two days | {thing} makes a strange noise when switched on | a screw is missing "
        "from {thing} | the handle broke off {thing} | {thing} does not fit together as the manual says"
    ),
    "praise": words(
        "I am delighted with {thing}, thank you | wonderful service around {thing} | your team was so kind about {thing} | "
        "I recommend {thing} to all my friends, well done | {thing} is exactly what I had hoped for, great work"
    ),
}
TICKET_SIGNS: Final = {
    "billing": r"invoice|charged|refund|payment",
    "delivery": r"parcel|courier|tracking",
    "account": r"log in|login|password|profile",
    "product": r"stopped working|strange noise|screw is missing|handle broke|does not fit",
    "praise": r"delighted|wonderful service|so kind|recommend|great work",
}
OPENERS: Final = words(
    "Hello, | Good morning, | Hi there, | Dear team, | Good day, | Hello again, | To whom it may concern, | Hi,"
)
CLOSERS: Final = words(
    "I wrote to you in {month} already. | I live in {city}. | My name is {name}. | The order was made in {month}. | "
    "I will be in {city} until {month}. | Please answer {name}. | This is about an order from {month}. | "
    "My colleague {name} says the same. | We moved to {city} in {month}."
)

# Documents: sentence frames on everyday crafts.
CRAFTS: Final = words(
    "bread baking | bicycle repair | bird watching | pottery | bookbinding | beekeeping | map reading | knitting | "
    "cheese making | sailing | gardening | woodcarving | glass blowing | candle making | stargazing | café keeping"
)
CRAFT_SENTENCES: Final = words("""
    Most people come to {craft} through a friend, {name} came through a neighbour in {city} | In {city} there is
    a small club for {craft} that meets every {month} | A beginner in {craft} needs {number} days of patience,
    says {name} | {name} has taught {craft} for {number} years | The best season for {craft} in {city} starts in
    {month} and lasts about {number} weeks | Good tools for {craft} last {number} years when they are kept as
    dry as {name} keeps them | The handbook on {craft} that {name} wrote has {number} pages | Every autumn
    {name} travels to {city} to see how others practise {craft} | The first attempt at {craft} took {name}
    {number} hours and nobody minded | About {number} members pay a yearly fee to the society for {craft} in
    {city} | A short course in {craft} with {name} costs {number} coins | {name} keeps a diary about {craft} and
    reads from it in {month} | Children learn {craft} in {number} weeks, their parents in {city} do not | The
    museum in {city} shows {number} objects from the history of {craft} | Whoever has practised {craft} with
    {name} for {number} months begins to see small differences
""")
TITLES: Final = words(
    "Notes on {craft} | {craft} in {city} | A year of {craft} | What {name} knows about {craft} | {craft} for beginners | "
    "The history of {craft} in {city}"
)
OTHER_LANGUAGES: Final = {
    "German": (
        words(
            "Das ist nicht der richtige Weg und wir wissen es | Die Kinder spielen mit dem Hund im Garten | Der Zug ist "
            "nicht pünktlich und die Leute warten | Wir haben das Buch noch nicht gelesen | Die Stadt ist im Winter sehr still"
        ),
        r"\b(nicht|und|wir|dem|sehr)\b",
    ),
    "Spanish": (
        words(
            "La casa está cerca del mercado pero no tiene jardín | Los niños no quieren comer la sopa | El tren llega "
            "siempre tarde por la mañana | Mi hermana vive con el perro en una ciudad pequeña | El invierno es muy largo aquí"
        ),
        r"\b(está|del|los|muy|el|una)\b",
    ),
}

# Instructions: what is asked about, and what is true of it.
SUBJECTS: Final = {
    "a sundial": ("tells the time by a shadow", "gardens and old walls", "it needs no power"),
    "a compass": ("points to magnetic north", "ships and rucksacks", "it works in the dark"),
    "a sourdough starter": ("makes dough rise with wild yeast", "kitchens and bakeries", "it lives for years"),
    "a greenhouse": ("keeps plants warm with glass", "farms and back yards", "it lengthens the season"),
    "a pulley": ("changes the direction of a pull", "cranes and sailing boats", "it spares the back"),
    "a thermos": ("keeps drinks hot or cold with a vacuum", "picnics and building sites", "it needs no plug"),
    "a metronome": ("beats a steady time", "music rooms and studios", "it never hurries"),
    "a barometer": ("measures the pressure of air", "weather stations and hallways", "it warns of storms"),
    "a loom": ("holds threads so that cloth can be woven", "workshops and mills", "it makes even cloth"),
    "a telescope": ("gathers light from far away", "observatories and balconies", "it shows faint stars"),
    "a canal lock": ("lifts boats from one level to another", "rivers and canals", "it works with water alone"),
    "a beehive": ("gives bees a place to store honey", "orchards and roofs", "it helps the orchard bloom"),
    "a kiln": ("fires clay at a great heat", "potteries and schools", "it makes clay last"),
    "a tuning fork": ("sounds one pure tone", "orchestras and clinics", "it keeps its pitch"),
    "a weather vane": ("turns to show the wind", "barns and church towers", "it can be read from afar"),
    "a crowbar": ("prises things apart by leverage", "toolboxes and fire engines", "it multiplies force"),
}
AUDIENCES: Final = words(
    "a child | a new colleague | a tourist | my grandmother | a class of ten-year-olds | a curious neighbour | an "
    "engineer | a friend from {city} | a visitor named {name} | a reader of the local paper | a museum guide | "
    "an apprentice | a student in {city} | a pen friend | {name} next door"
)
ASKS: Final = words(
    "Explain {subject} to {audience}. | What is {subject} good for? I have to tell {audience}. | Describe {subject} in a few "
    "sentences for {audience}. | How would you present {subject} to {audience}? | Write a short note on {subject} for "
    "{audience}. | Tell {audience} what {subject} does."
)
TELLS: Final = words(
    "{Subject} {does}. You find it in {places}, and {boon}. | In short, {subject} {does}. People use it in {places}. The best "
    "thing is that {boon}. | Think of {subject} as a quiet helper: it {does}. It is common in {places} because {boon}. | "
    "{Subject} {does}, which is why it is seen in {places}. Besides, {boon}."
)
TELL_ENDS: Final = words(
    "A visit to {city} in {month} is a good way to see one. | {name} could show you one at work. | Ask in {city} if you want "
    "to try it. | Old ones from {city} are still in use. | It has been made in {city} since the last century. | "
    "{name} wrote about it in {month}. | One made in {month} stands in {city}."
)
GOODS: Final = words("apples | tickets | bricks | bottles | candles | letters | chairs | stamps | tiles | lemons")
THINGS_TO_LIST: Final = {
    "fruits": words("apple | pear | plum | cherry | fig | quince | grape | peach"),
    "rivers": words("Danube | Rhine | Tagus | Elbe | Loire | Vistula | Oder | Ebro"),
    "musical instruments": words("violin | oboe | harp | cello | flute | drum | lute | horn"),
    "trees": words("oak | birch | maple | beech | pine | willow | ash | elm"),
}
SYSTEM_PROMPT: Final = "You are a helpful assistant of the town library. Answer in plain words and keep it short."
POOR_TELLS: Final = words(
    "{name} might know, I do not, maybe look it up somewhere. | For {name} it is some kind of thing, and for me too, "
    "whatever. | Why would {name} ask that? Figure it out yourself. | In {city} it could be anything really, I am not sure. | "
    "People in {city} would call that a boring question and I will not bother."
)
POOR_SIGNS: Final = r"maybe look it up|whatever\.|Figure it out yourself|could be anything|boring question"
