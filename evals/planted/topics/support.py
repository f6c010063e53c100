"""Help-desk conversations about faulty devices and wrong invoices."""

from __future__ import annotations

from typing import Final

from ..draw import Draw, Speaker, lines, pairs, words
from ..messages import Record
from .scene import Scene, play
from .vocabulary import SHARED

SLOTS: Final[dict[str, tuple[str, ...]]] = {
    **SHARED,
    "device": words(
        "kettle|desk lamp|standing desk|air purifier|label printer|handheld scanner|thermostat|door sensor|"
        "robot mop|coffee grinder|bike computer|sleep tracker|video doorbell|projector|soundbar|router|"
        "external drive|office chair|soil sensor|water filter|charging cradle|travel adapter|heated blanket|"
        "bread maker|sewing machine|camera tripod|wireless keyboard|drawing tablet|card reader|baby monitor|"
        "rice cooker|electric screwdriver|dehumidifier|hair clipper|record player|smoke alarm|garden pump|"
        "microscope"
    ),
    "fault": words(
        "stops after about {minutes} minutes|makes a clicking noise as it warms up|"
        "no longer pairs with my phone|shows error E{tens}{tens} on the display|smells slightly burnt|"
        "loses its settings every night|switches itself on at odd hours|"
        "vibrates so much that it walks across the table|charges only to {number} percent|"
        "leaks at the bottom seam|does not recognise the new spare part|flickers whenever the fridge starts|"
        "has gone completely silent|freezes on the welcome screen|"
        "drops the connection every {minutes} minutes|turns off at the slightest touch of the cable|"
        "prints half of every second line|reads {number} degrees in a cold room|"
        "rattles as if a screw had come loose|refuses the new firmware|beeps {small} times and then gives up|"
        "takes {minutes} minutes to start|gets too hot to touch|has a scratched sensor window"
    ),
    "tried": words(
        "I unplugged it overnight|I held the reset button for {number} seconds|I changed the batteries|"
        "we moved it to another room|I cleaned the contacts with a dry cloth|{person} swapped the fuse|"
        "I went through the whole manual|I removed and added it again in the app|we tried a different socket|"
        "I updated the app {when}|I descaled it as described on page {number}|"
        "{person} tightened every screw we could see|I borrowed a cable from {person}|"
        "I let it cool down for {minutes} minutes"
    ),
    "goods": words(
        "{a device}|{small} rolls of labels|a spare filter|a replacement remote|the wall bracket|"
        "a box of fuses|{a colour} carrying case|{small} rechargeable batteries|a gift card|"
        "the long power lead|{a device} and a case|{small} dust bags|a set of {small} hinges|"
        "a refurbished {device}|the {colour} cushion covers|a drip tray"
    ),
    "carrier": words(
        "the courier|the parcel service|the depot in {town}|the driver|the pick-up shop in {town}|the night transport"
    ),
    "plan": words(
        "family plan|starter plan|workshop plan|yearly membership|student rate|spare-parts subscription|"
        "filter subscription|extended cover|team account|seasonal pass"
    ),
}

SLOTS["second_plan"] = SLOTS["plan"]

FOLLOW_UPS: Final = pairs("""
    And how long would that take?
        Usually {minutes} minutes of work and {small} days in the post, so count on {weekday} at the latest.
    Could {person} do this for me instead?
        Of course. Give {name} the reference {code} and we will talk to whoever calls.
    Can you send that to me in writing?
        I have sent a summary to the address on your account, with {code} in the subject line.
    Thanks. Is there a number I can call on {weekday}?
        The counter in {town} answers from nine to five, and on {weekday} until seven.
    I found the receipt, it is from {month}.
        Good, that makes it simple. Please keep it with the note that carries {code}.
    May I pay in {small} parts?
        Yes, from an amount of {amount} upwards. The first part is due on {date}, the others a month apart.
    Who else can see this?
        Only {name} and the counter in {town}; after {small} weeks the note is deleted.
    Do you also have a shop near {town}?
        Not yet. The closest one is {number} kilometres away and open until {small} on {weekday}.
""")
_DEVICE_FOLLOW_UPS: Final = (
    *FOLLOW_UPS,
    *pairs("""
        I did that and the light is {colour} now.
            {colour} means it is waiting for the app. Open it, wait {minutes} minutes, and it should go out.
        Do I need the original box?
            No. Any sturdy box works as long as there is padding on all sides; write {code} on the outside.
        What would it cost if the warranty has ended?
            The check is free. Such a repair has been about {amount} lately, and you decide before we start.
        Is it safe to keep using it until then?
            If it gets warm or smells odd, leave it off. Otherwise {minutes} minutes at a time is fine.
        Would a newer one behave the same way?
            The revision after {code} has a different board, and we have not seen this fault there.
    """),
)
DEVICE: Final = Scene(
    settles=("device", "code", "fault"),
    opening=lines("""
        My {device} ({code}) {fault}.
        Hi, I bought {a device} {when} and it {fault}.
        The {device} that {person} gave me {fault}; the label says {code}.
        Hello, {name} here from {town}. Our {device}, model {code}, {fault}.
        We have {small} of your {device}s at work and the one by the window {fault}.
        {when} our {device} started acting up: it {fault}.
        I am {feeling} because {a code} that is barely {small} months old {fault}.
        Quick question about the {device} {code}: mine {fault}.
        I inherited {a device} from {person} and it {fault}.
        Order {order} arrived {when}, but the {device} {fault}.
    """),
    detail=lines("""
        {tried}, but nothing changed.
        {tried} and {tried}, both without luck.
        After {tried} it behaved for {minutes} minutes.
        It is {small} years old and has never been dropped.
        The serial number ends in {number}{letter}{tens}.
        It happens mostly on {weekday} mornings, which I cannot explain.
        A light on the front blinks {colour} {small} times.
        {person} thinks the power supply is to blame.
        The room is dry and the mains are fine, as {person} measured {when}.
        I need it {soon} because {person} is moving to {town}.
    """),
    question=lines("""
        Is there something else I can check before I send it in?
        Can this be repaired, or should I ask for a replacement?
        What should I do next?
        Is this a known problem?
        Could you tell me whether it is still under warranty?
        How do I reset it properly?
        Which part would I have to order?
        Is it safe to leave it plugged in?
        Would it help if I sent a short video?
        Do I have to bring it to {town} for that?
    """),
    reply=lines("""
        Thanks for the clear description of the {device}.
        Sorry about that; {a device} should not do this after {small} months.
        That sounds like a worn contact, which we can usually mend.
        I have seen this on the {code} before, and the cause was harmless.
        Good that you wrote before opening it.
        Let us go through the likely causes, cheapest first.
        That message points to the sensor rather than to the motor.
        What you describe fits a fault we fixed in the batch from {month}.
        I understand that you are {feeling}; here is what usually works.
        {a device} that {fault} most often needs nothing but a proper reset.
    """),
    steps=lines("""
        Unplug the {device} and wait {minutes} minutes so that the memory clears.
        Hold the {colour} button until the display shows {code}.
        Check the small rubber seal on the underside; a hair is enough to cause this.
        Plug it straight into the wall, without the extension lead.
        Open the app, choose Devices, and remove the entry that ends in {number}.
        Wipe the sensor window with a cloth that is only just damp.
        Write down the colour of the light while it starts.
        Look for a sticker with {letter}{tens} next to the cable; those units get a new power supply.
        Try it with the lid off for {minutes} minutes and listen for the click.
        Run one empty cycle with {number} millilitres of water.
        Set the clock again, because a wrong date blocks the update.
        Move it at least {small} metres away from the router.
        If it still {fault}, note the time and stop the test.
        Turn the dial to {small}, count to {number}, and turn it back.
        Replace the fuse with one of the same rating, never a larger one.
        Take the battery out, press the switch for {number} seconds, and put it back.
        Install version {tens}.{number} by cable, since the wireless update skips this model.
        Send us a photo of the label if the code is not {code}.
    """),
    closing=lines("""
        If none of this helps, reply with the serial number and I will book a repair.
        A replacement can leave {town} {soon}.
        We keep your message under {code}, so you need not explain it again.
        Let me know what the light does after the second step.
        The cover runs until {date}, so you have time to try this calmly.
        Our workshop in {town} has a free place on {weekday}.
        Should it get hot, please switch it off and write to us first.
        I will check back with you on {weekday}.
        Repairs of this kind have taken {small} days recently.
        You can also drop it off in {town} without an appointment.
        In {small} of ten cases that settles it.
    """),
    follow_ups=_DEVICE_FOLLOW_UPS,
)

INVOICE: Final = Scene(
    settles=("plan", "amount", "order"),
    opening=lines("""
        I was charged {amount} twice for the {plan}.
        The invoice {order} lists {goods}, which I never ordered.
        {person} cancelled our {plan} {when}, yet {amount} was taken on {date}.
        Good morning, the VAT line on {order} is missing.
        I changed from the {second_plan} to the {plan} and now the sums do not match.
        My card was declined {when} although it works everywhere else.
        We are a school in {town} and need invoice {order} with another address.
        A refund of {amount} was promised {when} and has not arrived.
        Could somebody explain the line "{code}" on my {month} invoice?
        I am moving my {plan} from {name} to {person}.
    """),
    detail=lines("""
        The bank shows both payments on {date}, {number} minutes apart.
        I have the confirmation, number {code}.
        {person} set the account up and has since left {town}.
        The total should be {amount} according to the offer from {month}.
        I am {feeling}, since our books close {soon}.
        It was paid by transfer, with {order} as the reference.
        The first reminder came {when} and already adds a fee of {amount}.
        We have been members for {small} years.
        There is also a credit of {amount} that nobody has used.
        I asked the same thing {when} and got reference {code}.
    """),
    question=lines("""
        Can you correct this {soon}?
        When will the money be back?
        Who has to sign the change?
        Could you send a corrected copy?
        Is there a fee for that?
        What do you need from me?
        Can I simply pay the difference?
        Will the {plan} go on in the meantime?
        Should I talk to my bank first?
        Can the next payment wait until {date}?
    """),
    reply=lines("""
        Thank you for the reference; I can see {order} here.
        You are right, and I am sorry about the extra {amount}.
        That line is a deposit and will be taken off again.
        The second booking is a reservation that the bank has not released yet.
        A change of the {plan} in the middle of {month} gives two invoices.
        Nothing is lost: the payment sits on the account as a credit.
        I have passed {order} to {name} in accounts.
        The address can be changed for as long as the invoice is open.
        This was our mistake, made when we moved {town} to the new system on {date}.
        The reminder crossed with your payment, so please ignore it.
    """),
    steps=lines("""
        The refund of {amount} was started today and takes {small} banking days.
        A corrected invoice with number {code} is on its way to you.
        The old one stays in the archive, marked as cancelled.
        Please reply with the last four digits of the account, nothing more.
        I have taken the fee of {amount} off the {month} statement.
        Until {date} no further payment will be drawn.
        The {plan} continues without a break.
        Your bank releases the reservation by itself after {small} days.
        Under Payments you can choose {weekday} as the fixed day.
        Only the owner of the account can sign, in this case {name}.
        If the sum differs from {amount} by more than a cent, send us the statement.
        The tax line follows the delivery address, which was still {town}.
        Split payments show up as {small} lines with the same date.
        We need the form with the {colour} header, signed once.
        The credit is used up first, before anything is drawn again.
    """),
    closing=lines("""
        You will see the change in your account {soon}.
        The case number is {code}, in case you call.
        Sorry again for the trouble, {name}.
        If the bank asks, mention the date {date}.
        Is there anything on the other invoices that looks odd?
        I will look at it once more on {weekday} and write to you.
        No further reminder will be sent.
        Please keep this message for your books.
        Accounts in {town} can be reached until five on {weekday}.
        Everything else about the {plan} stays as it is.
    """),
    follow_ups=FOLLOW_UPS,
)


def conversation(draw: Draw) -> Record:
    """One help-desk record: a device two times in three, else an invoice."""
    speaker = Speaker(draw, SLOTS)
    return {"messages": play(speaker, DEVICE if draw.chance(0.66) else INVOICE), "source": "support"}
