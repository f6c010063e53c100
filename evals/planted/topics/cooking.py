"""Kitchen conversations: recipes with amounts, and dishes to be rescued."""

from __future__ import annotations

from typing import Final

from ..draw import Draw, Speaker, capital, lines, pairs, words
from ..messages import Message, Record, assistant, user
from .scene import Scene, follow_up, play
from .vocabulary import SHARED

SLOTS: Final[dict[str, tuple[str, ...]]] = {
    **SHARED,
    "main": words(
        "red lentils|chickpeas|white beans|chicken thighs|salmon fillet|firm tofu|minced lamb|"
        "brown mushrooms|aubergines|cauliflower|new potatoes|short-grain rice|egg noodles|pearl barley|"
        "smoked mackerel|pork shoulder|halloumi|green peas|beetroot|sweet potatoes|butternut squash|"
        "turkey mince|cod|black-eyed beans|buckwheat|jalapeños|gruyère|sautéed mushrooms|"
        "crème fraîche chicken"
    ),
    "herb": words("parsley|coriander|dill|mint|thyme|rosemary|sage|chives|tarragon|oregano|basil|marjoram|bay leaves"),
    "spice": words(
        "cumin|smoked paprika|turmeric|fennel seed|cardamom|cinnamon|mustard seed|allspice|nutmeg|"
        "black pepper|ground ginger|sumac|caraway|star anise|chilli flakes"
    ),
    "vegetable": words(
        "leeks|carrots|celery|red onions|spring onions|courgettes|spinach|kale|fennel|peppers|green beans|"
        "tomatoes|savoy cabbage|parsnips|radishes|broccoli|chard|sweetcorn"
    ),
    "fat": words("olive oil|butter|sesame oil|rapeseed oil|ghee|sunflower oil|walnut oil"),
    "liquid": words("vegetable stock|coconut milk|tinned tomatoes|dry cider|chicken stock|buttermilk|water|oat cream"),
    "sharp": words("lemon juice|cider vinegar|lime juice|pickled onions|yoghurt|rice vinegar|capers|preserved lemon"),
    "dish": words(
        "stew|traybake|soup|curry|salad|pie|gratin|stir-fry|risotto|pilaf|noodle bowl|hotpot|layered bake|"
        "stuffed loaf|casserole|chowder|terrine|warm salad|savoury tart|one-pan supper"
    ),
    "pan": words("heavy pot|wide frying pan|roasting tin|wok|casserole|deep baking dish|saucepan|cast-iron skillet"),
    "allergen": words("milk|gluten|nuts|sesame|celery|mustard|fish|eggs"),
    "grams": ("{number}0 g", "1{number} g", "2{number} g", "{tens}50 g"),
    "guest": words(
        "{person}|{small} hungry teenagers|a friend who avoids gluten|my choir|{name} and {name}|"
        "a table of {small}|my vegetarian cousin|the night shift|my book club|{small} neighbours"
    ),
    "cut": words(
        "in thin slices|in {small} wedges|into coins|roughly|in cubes the size of a die|lengthwise|very finely"
    ),
    "trouble": words(
        "split as soon as I added the {sharp}|stuck to the {pan}|came out grey instead of golden|tastes flat|"
        "is far too salty|turned gluey after {minutes} minutes|stayed raw in the middle|"
        "is bitter at the back of the tongue|collapsed when it cooled|burnt on one side|is watery|"
        "tastes of nothing but {spice}|curdled around the {vegetable}"
    ),
}

# Another one of a kind that the conversation has settled on.
SLOTS.update({f"second_{kind}": SLOTS[kind] for kind in ("vegetable", "herb", "liquid")})

_ASKS: Final = lines("""
    I have {main}, {vegetable} and half a jar of {sharp}. What can I cook {soon}?
    Could you give me a recipe for {a dish} with {main} for {guest}?
    {guest} will be here {soon} and all I have is {main} and {vegetable}. Ideas?
    What goes well with {main} besides {herb}?
    I want {a dish} like the one {person} made {when}: {main}, {spice}, something green.
    Please write down {a dish} of {main} that works in {a pan}.
    I found {small} bags of {main} at the market in {town}. How do I use them up?
    A warm supper with {main}, no oven, at most {minutes} minutes, please.
    How would you turn {main} into {a dish} that {person} would eat?
    My {dish} with {main} is always dull. Can you suggest one with {spice} and {vegetable}?
    Something for a cold {weekday}: {main}, {vegetable}, and no {herb} please.
    I need to feed {guest} on {amount}. Could {main} be the base?
""")
_INTROS: Final = lines("""
    {a dish} of {main} and {vegetable} would suit that.
    Here is one I would make for {guest}: {main} with {herb} and {spice}.
    Try {main} in {liquid}, sharpened with {sharp} at the end.
    With {main} the trick is to brown first and stir later.
    This one needs {a pan} and about {minutes} minutes.
    {spice} and {vegetable} do most of the work here.
    It feeds {small} and keeps until {weekday}.
    Keep it simple: {main}, {fat}, {herb}, and patience.
""")
_STEPS: Final = lines("""
    Warm the {fat} in {a pan} and let the {vegetable} soften for {minutes} minutes.
    Stir in the {spice} until it smells toasted, which takes {number} seconds.
    Add the {main} in one layer and leave it alone for {minutes} minutes.
    Pour in the {liquid} and scrape up whatever sticks to the bottom.
    Cover and simmer over a low flame for {minutes} minutes.
    Roast at 1{number} degrees for {minutes} minutes, turning the {main} once.
    Cut the {vegetable} {cut} so that everything is done at the same time.
    Salt the {main} {minutes} minutes ahead and pat it dry.
    Fold in the {herb} off the heat.
    Taste, then add {sharp} by the teaspoon until it is bright.
    Mash a third of it against the side to thicken the sauce.
    Rinse the {main} until the water runs clear.
    Toast a handful of seeds with {spice} for the top.
    Rest it for {minutes} minutes before you cut it.
    Serve with the {vegetable}, shaved {cut}, and more {herb}.
    Spoon the hot {fat} over the {vegetable} just before it goes to the table.
    Loosen with {small} spoons of {liquid} if it looks tight.
    Slide it under the grill for {small} minutes if you like an edge.
""")
_ENDS: Final = lines("""
    Leftovers are good cold with {sharp}.
    If {herb} is not around, {second_herb} does nearly as well.
    For {guest} I would double the {spice}.
    It freezes for {small} weeks without the {herb}.
    The {liquid} can be swapped for {second_liquid}, a little less of it.
    Contains {allergen}, in case {person} has to know.
    Tell me if you want it without {vegetable}.
    It is better on {weekday} than on the day you make it.
    Leave out the {fat} if the {main} is rich already.
    Enjoy, and greet {name} from me.
""")
_FOLLOW_UPS: Final = pairs("""
    Can I make it the day before?
        Yes, up to the point where the {herb} goes in. Reheat it slowly with {small} spoons of {liquid}.
    What if I have no {spice}?
        Use a pinch of whatever else is on the shelf and a little more {sharp}; it will be different,
        not worse.
    Does it work in {a pan} too?
        It does, but the {main} needs {minutes} minutes longer and more {fat}.
    How do I stop it from sticking?
        Let the {pan} get hot before the {fat} goes in, and do not stir until the {main} can be moved freely.
    {person} hates {vegetable}.
        Then leave out the {vegetable} and add more {herb}, chopped {cut}, {minutes} minutes before the end.
    And to drink?
        Cold tea with {herb}, or something dry and sharp; sweet drinks fight with the {spice}.
    Could I cook this over a fire?
        Yes, in {a pan} with a lid. Keep the flame low and stir every {small} minutes.
    How much for {guest}?
        Roughly double everything except the {spice}, and use {a pan} so that it is not crowded.
""")

RESCUE: Final = Scene(
    settles=("dish", "main", "trouble"),
    opening=lines("""
        My {dish} {trouble}.
        I made {a dish} with {main} for {guest} and it {trouble}.
        Help, the {dish} {trouble} and {guest} will be here in {minutes} minutes.
        Every time I cook {main}, it {trouble}.
        {person} gave me a recipe for {a dish}, but mine {trouble}.
        The {main} for {weekday} {trouble}.
        I tried {a dish} in the new {pan} {when} and it {trouble}.
    """),
    detail=lines("""
        I used {grams} of {main} and {grams} of {liquid}.
        The {pan} was very hot, I admit.
        The {vegetable} went in first, the {spice} last.
        I had no {herb}, so I took {second_herb}.
        It was on the stove for {minutes} minutes.
        {person} says it needs more {sharp}.
        The {liquid} came straight from the fridge.
        I doubled everything except the {fat}.
    """),
    question=lines("""
        Can it be saved?
        What went wrong?
        What should I do differently next {weekday}?
        Is it still safe to eat?
        How do I fix it in {minutes} minutes?
        Would {sharp} help?
        Do I have to start again?
    """),
    reply=lines("""
        Do not throw it away yet; {main} forgives a lot.
        That happens when the {pan} is crowded.
        The heat was too high for {main}, most likely.
        It sounds like the {liquid} went in too early.
        {a dish} that {trouble} mostly wants time and a little {sharp}.
        I would guess the {spice} burnt before the {vegetable} went in.
        Take it off the stove first, then we can think.
    """),
    steps=_STEPS,
    closing=_ENDS,
    follow_ups=_FOLLOW_UPS,
)


def conversation(draw: Draw) -> Record:
    """One kitchen record: a recipe three times in five, else a rescue."""
    speaker = Speaker(draw, SLOTS)
    messages = _recipe(speaker) if draw.chance(0.6) else play(speaker, RESCUE)
    return {"messages": messages, "source": "cooking"}


def _recipe(speaker: Speaker) -> list[Message]:
    draw = speaker.draw
    speaker.settle("main", "vegetable", "spice", "herb", "fat", "liquid", "sharp", "dish", "pan")
    parts = ["main", "vegetable", "fat", "liquid", "sharp", "second_vegetable", "spice", "herb"]
    shopping = []
    for part in draw.some(parts, draw.between(4, 7)):
        thing = speaker.fill(f"{{{part}}}")
        dose = speaker.fill("a pinch of" if part == "spice" else "a handful of" if part == "herb" else "{grams}")
        shopping.append(f"- {dose} {thing}")
    steps = [f"{i}. {step}" for i, step in enumerate(speaker.several(_STEPS, draw.between(3, 6)), 1)]
    heading = capital(speaker.fill("{main} {dish} with {vegetable}"))
    text = [speaker.say(_INTROS), f"**{heading}**", "\n".join(shopping), "\n".join(steps), speaker.say(_ENDS)]
    if draw.chance(0.3):
        text = [text[0], " ".join(step.partition(" ")[2] for step in steps), text[-1]]
    first = user(capital(speaker.fill(draw.pick(_ASKS))))
    return [first, assistant("\n\n".join(text)), *follow_up(speaker, RESCUE)]
