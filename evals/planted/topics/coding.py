"""Programming conversations: small working snippets with an explanation, and errors with their cause."""

from __future__ import annotations

from typing import Final

from ..draw import Draw, Speaker, capital, lines, pairs, words
from ..messages import Message, Record, assistant, user
from .vocabulary import SHARED

SLOTS: Final[dict[str, tuple[str, ...]]] = {
    **SHARED,
    "thing": words(
        "order|reading|ticket|invoice|student|shipment|booking|sample|payment|lesson|recipe|visitor|route|"
        "session|comment|handover|patient|photo|meeting|member|product|review|signal|trip|vote|worker|loan|"
        "chapter|alert|ballot"
    ),
    "key": words(
        "town|state|owner|month|sensor|grade|room|topic|office|channel|colour|author|weekday|region|carrier|"
        "kind|device|season|language|floor|team|origin|label|supplier|shift"
    ),
    "small_digit": tuple("23456789"),
    "number_of_day": tuple(str(n) for n in range(10, 29)),
    "amount_field": words(
        "total|weight|price|score|duration|distance|volume|rating|balance|height|pages|points|quantity|"
        "latency|temperature|discount|margin|age|size|fee"
    ),
    "folder": words("reports|uploads|archive|inbox|exports|scans|backups|drafts|logs|imports|results|snapshots"),
    "where_it_runs": words(
        "a nightly job|a small web service|a notebook|my build server|a spreadsheet export|a school project|"
        "a command line tool|the reporting page|a data import|an old laptop in {town}|a test for {name}|"
        "a cron entry"
    ),
    "concern": words(
        "it gets slow above {number} thousand rows|{person} has to maintain it|"
        "the file no longer fits into memory|the order must stay stable|empty values are common|"
        "some names contain accents|it runs every {minutes} minutes|I may not install anything|"
        "the input comes from {person}|it has to work on old versions as well|{small} people call it at once|"
        "two entries can share the same {key}"
    ),
}

_ASKS: Final = lines("""
    {task} This is for {where_it_runs}, and {concern}.
    Hi! {task} I am {feeling} because {concern}.
    {task} The version from {person} is beyond me, I tried it {when}.
    For {where_it_runs}: {task}
    {task} Please keep in mind that {concern}.
    I promised {name} a solution {soon}. {task}
    {task} A short explanation would be good, since {concern}.
    New to this, sorry. {task} Later {where_it_runs} should use it too.
    {task} We have about {number} thousand of them, and {concern}.
    My attempt for {where_it_runs} works on {number} rows only. {task}
""")
_BEFORE: Final = lines("""
    A small function is enough here.
    This does it in one pass over the {thing}s.
    The standard library has what you need for {key} and {amount_field}.
    I would separate reading from computing, so that {where_it_runs} can test it.
    Here is a version that stays readable even if {concern}.
    Two details matter: the {key} may be missing, and the {amount_field} may be zero.
    Assuming that every {thing} has {a key}, this works.
    You were close; the loop needs to remember one thing more.
    Short answer first, reasons below.
    Something like this, with names that fit {where_it_runs}.
""")
_AFTER: Final = lines("""
    It reads each {thing} once, so the time grows with the number of {thing}s and nothing else.
    If the {key} is missing you get an error at once, which is better than a wrong {amount_field}.
    Should {concern}, wrap the call and log the {thing} that failed.
    For {where_it_runs} I would add a test with an empty list and one with a single {thing}.
    Sorting is stable, so {thing}s with the same {key} keep their order.
    The names are only suggestions; call it whatever {name} will understand in {month}.
    You can replace {amount_field} by any other number of the {thing}.
    Memory stays flat because nothing but the running {amount_field} is kept.
    With {number} thousand {thing}s this takes well under a second on {where_it_runs}.
    Mind that the {amount_field} is compared as a number; convert it first if it arrives as text.
    I left out the {key} on purpose, because {concern}.
    If {person} prefers a one-liner, the same idea fits into a comprehension.
    Nothing is changed in place, so {where_it_runs} can go on using its own copy.
    Ask again if the {thing}s come from more than one {key}.
""")
_FOLLOW_UPS: Final = pairs("""
    Does this also work when the {key} is empty?
        Yes, an empty {key} becomes a group of its own. Filter it first if {where_it_runs} should not see it.
    How would I test that?
        Build {small} {thing}s by hand, one without {a key}, and compare the result with what you worked
        out on paper.
    Why not sort by {amount_field}?
        You can, but then two {thing}s with the same {amount_field} depend on their order in the file,
        and {concern}.
    {person} says this is slow.
        Measure before you change it. For {number} thousand {thing}s the reading takes longer than the loop.
    Can I use it in {where_it_runs}?
        Yes. Pass the {thing}s in as an argument, so that {where_it_runs} and the test share the same
        function.
    What does the second line do?
        It looks the {key} up and starts a new entry when there is none, so the first {thing} needs no
        special case.
    And if {concern}?
        Then read the {thing}s in blocks of {number} hundred and add up the {amount_field} per block.
    Could you name it differently?
        Of course: name it after what {where_it_runs} wants to know, for example the {amount_field} per {key}.
""")

# Task, language, code.
_SNIPPETS: Final = (
    """How do I add up the {amount_field} of each {thing} by {key} in Python?
python
from collections import defaultdict


def {amount_field}_by_{key}({thing}s):
    totals = defaultdict(float)
    for {thing} in {thing}s:
        totals[{thing}["{key}"]] += {thing}["{amount_field}"]
    return dict(totals)""",
    """Which query gives me the {small} {key}s with the largest {amount_field}?
sql
SELECT {key}, SUM({amount_field}) AS {amount_field}_sum, COUNT(*) AS {thing}_count
FROM {thing}s
WHERE {amount_field} > {number}
GROUP BY {key}
HAVING COUNT(*) >= {tens}
ORDER BY {amount_field}_sum DESC, {key};""",
    """I need JavaScript that groups every {thing} by its {key}.
javascript
function group{thing}sBy(items, key = "{key}") {
  const groups = new Map();
  for (const {thing} of items) {
    const list = groups.get({thing}[key]) ?? [];
    list.push({thing}.{amount_field});
    groups.set({thing}[key], list);
  }
  return groups;
}""",
    """How can I find files in {folder} that mention {a thing} and are over {number} days old?
bash
find {folder} -type f -name '*{thing}*' -mtime +{number} -print0 |
  xargs -0 grep --files-with-matches '{key}' |
  sort > old_{thing}s.txt""",
    """How does a generator yield each {thing} whose {amount_field} is above {number}, in Python?
python
import csv


def large_{thing}s(path, limit={number}):
    with open(path, newline="", encoding="utf-8") as source:
        for {thing} in csv.DictReader(source):
            if float({thing}["{amount_field}"]) > limit:
                yield {thing}["{key}"], {thing}""",
    """How do I drop {a thing} that appears twice, keeping the higher {amount_field}?
python
def best_per_{key}({thing}s):
    best = {}
    for {thing} in {thing}s:
        known = best.get({thing}["{key}"])
        if known is None or {thing}["{amount_field}"] > known["{amount_field}"]:
            best[{thing}["{key}"]] = {thing}
    return list(best.values())""",
    """What is a good dataclass for {a thing} with {key} and {amount_field}?
python
from dataclasses import dataclass


@dataclass(frozen=True)
class {thing}_entry:
    {key}: str
    {amount_field}: float = {number}.0

    def is_large(self, limit: float = {number}{tens}.0) -> bool:
        return self.{amount_field} > limit""",
    """How do I pull the {key} out of log lines for {a thing}?
python
import re

PATTERN = re.compile(r"{thing}=(\\d+) {key}=([a-z_]+) {amount_field}=(\\d+\\.\\d)")


def {key}_of(line):
    match = PATTERN.search(line)
    return match.group(2) if match else None""",
    """Which window function compares each {thing} with the last of its {key}?
sql
SELECT {key}, created_on, {amount_field},
       {amount_field} - LAG({amount_field}) OVER by_{key} AS {amount_field}_change
FROM {thing}s
WHERE created_on >= DATE '2024-0{small_digit}-{number_of_day}'
WINDOW by_{key} AS (PARTITION BY {key} ORDER BY created_on);""",
    """How can I read {folder} and count {thing}s per {key} without loading everything?
python
from collections import Counter
from pathlib import Path


def count_{thing}s(folder="{folder}"):
    counts = Counter()
    for path in sorted(Path(folder).glob("*.{key}.txt")):
        with path.open(encoding="utf-8") as source:
            counts[path.name] += sum(1 for line in source if line.startswith("{thing}"))
    return counts.most_common({number})""",
    """Please write a function that retries saving {a thing} up to {small_digit} times.
python
import time


def save_{thing}(send, {thing}, attempts={small_digit}, pause={tens}.{number}):
    for attempt in range(attempts):
        try:
            return send("{key}", {thing})
        except ConnectionError:
            if attempt + 1 == attempts:
                raise
            time.sleep(pause * 2**attempt)""",
    """How do I make a small table of {thing}s with one unique {key}?
sql
CREATE TABLE {thing}s (
    {thing}_id INTEGER PRIMARY KEY,
    {key} TEXT NOT NULL,
    {amount_field} NUMERIC CHECK ({amount_field} >= {tens}),
    UNIQUE ({key}, {thing}_id)
);
CREATE INDEX {thing}s_by_{key} ON {thing}s ({key}, {amount_field});""",
)
# Task; cause and cure.
_ERRORS: Final = pairs("""
    I get `KeyError: '{key}'` when I loop over the {thing}s.
        Some {thing} has no {key}. Print the first one that fails, then decide: `{thing}.get("{key}")`
        hides the gap, `continue` skips it.
    Why does my {amount_field} end up as text, as in "{number}{number}"?
        You are adding two strings. Convert with `float({thing}["{amount_field}"])` where the {thing} is
        read, not where it is used.
    My query returns every {thing} twice.
        The join on {key} finds {small} partners. Join on the {thing} number as well, or aggregate the
        {amount_field} before the join.
    `TypeError: 'NoneType' object is not iterable` appears in my {thing} helper.
        The helper returns nothing for one branch, most likely where the {key} is missing. Return an
        empty list there.
    The dates of my {thing}s move by one day.
        One side uses local time. Store the {thing} in UTC and convert it only where {where_it_runs} shows it.
    The list of {thing}s keeps growing between two calls.
        A default argument such as `{thing}s=[]` is created once. Use `None` and make the list inside.
    Comparing two values of {amount_field} fails although both print {tens}.{number}.
        They differ in the last binary digit. Compare with `math.isclose`, or keep the {amount_field} in
        whole cents.
    My {thing} loop skips every second {key}.
        You remove entries while you loop over them. Build a new list of the {thing}s you want to keep.
    Reading {folder}/{thing}s.csv stops with `UnicodeDecodeError` at byte {number}.
        The file is not UTF-8. Ask {person} how it was exported, and pass that encoding to `open`
        instead of guessing.
    The regular expression finds the {key} only in the first {thing}.
        `search` stops at the first hit. Use `finditer` and collect the {key} of each match.
    {a thing} with {amount_field} zero is treated as missing.
        Zero is falsy. Write `if {thing}["{amount_field}"] is None` and the {key} will be counted.
    Sorting the {thing}s by {key} puts `{number}` before `{tens}`.
        They are strings and compare letter by letter. Sort with `key=lambda {thing}: int({thing}["{key}"])`.
""")


def conversation(draw: Draw) -> Record:
    """One programming record: a snippet two times in three, else an error explained."""
    speaker = Speaker(draw, SLOTS)
    speaker.settle("thing", "key", "amount_field")
    messages = _snippet(speaker) if draw.chance(0.66) else _error(speaker)
    for pair in draw.some(_FOLLOW_UPS, (0, 0, 0, 1, 1, 2)[draw.below(6)]):
        question, reply = speaker.exchange(pair)
        messages += [user(question), assistant(reply)]
    return {"messages": messages, "source": "coding"}


def _asked(speaker: Speaker, task: str) -> Message:
    speaker.settled["task"] = speaker.fill(task)
    return user(speaker.say(_ASKS))


def _snippet(speaker: Speaker) -> list[Message]:
    task, language, code = speaker.draw.pick(_SNIPPETS).split("\n", 2)
    fenced = f"```{language}\n{speaker.fill(code)}\n```"
    after = " ".join(speaker.several(_AFTER, speaker.draw.between(1, 3)))
    question = _asked(speaker, task)
    parts = [speaker.say(_BEFORE), fenced, after]
    if speaker.draw.chance(0.15):
        parts = parts[:2]
    return [question, assistant("\n\n".join(parts))]


def _error(speaker: Speaker) -> list[Message]:
    task, cause = speaker.draw.pick(_ERRORS)
    question = _asked(speaker, task)
    after = " ".join(speaker.several(_AFTER, speaker.draw.between(1, 3)))
    return [question, assistant(f"{capital(speaker.fill(cause))} {after}")]
