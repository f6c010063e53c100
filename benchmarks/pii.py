"""Speed, recall and precision of the detection of personal data on planted text.

    python benchmarks/pii.py [--megabytes 8] [--seed 0]

Chat-like prose in which every fifth text holds a value of a kind or a decoy of it, both drawn afresh. Prints MB of
UTF-8 per CPU-second (the median of three passes; find() alone, and inspect's reading of JSON records with it) and,
per kind, how many planted values are found to the character and how many matches were planted. The values are drawn
from the forms the detectors know: recall here says that no form is lost among neighbours, not that the forms are all.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import string
import time
import uuid
from collections import Counter
from collections.abc import Callable

import phonenumbers

from tilth.tools.text.pii import KINDS, find, may_hold
from tilth.tools.text.pii.accounts import IBAN_LENGTHS, luhn

PROSE = (
    "the order arrived late and we would like a refund because box was open when it came please tell me how long this "
    "takes I tried to log in with my account but page says error 500 after update 12.4 on Tuesday at 10:30 can you "
    "explain what changed since version 2.1 import numpy as np def area(r): return 3.14159 * r ** 2 # see issue 1234"
)
WORDS = PROSE.split()
ALPHANUMERIC = string.ascii_letters + string.digits


def some(rng: random.Random, alphabet: str, count: int) -> str:
    return "".join(rng.choices(alphabet, k=count))


def secret(rng: random.Random, count: int) -> str:
    return "aB3" + some(rng, ALPHANUMERIC, count - 6) + "9x7"


def email(rng: random.Random) -> str:
    local = some(rng, string.ascii_lowercase, 6) + rng.choice(["", ".smith", "+news", "_77", "99"])
    return f"{local}@{some(rng, string.ascii_lowercase, 7)}.{rng.choice(['com', 'co.uk', 'de', 'io', 'org'])}"


def phone(rng: random.Random) -> str:
    while True:
        country = rng.choice(["US", "GB", "DE", "FR", "IN", "BR", "JP", "ES"])
        example = phonenumbers.example_number_for_type(country, phonenumbers.PhoneNumberType.MOBILE)
        example.national_number = example.national_number // 10**4 * 10**4 + rng.randrange(10**4)
        style = rng.choice([phonenumbers.PhoneNumberFormat.INTERNATIONAL, phonenumbers.PhoneNumberFormat.E164])
        if phonenumbers.is_valid_number(example) and "55501" not in str(example.national_number):
            return phonenumbers.format_number(example, style)


def ip(rng: random.Random) -> str:
    if rng.random() < 0.2:
        return f"2a00:1450:{rng.randrange(1, 65536):x}:{rng.randrange(1, 65536):x}::{rng.randrange(1, 65536):x}"
    return f"{rng.choice([93, 81, 52, 34, 151])}.{rng.randrange(256)}.{rng.randrange(256)}.{rng.randrange(256)}"


def iban(rng: random.Random) -> str:
    country = rng.choice(["DE", "FR", "ES", "AT", "NL", "PL"])
    account = some(rng, string.digits, IBAN_LENGTHS[country] - 4)
    turned = "".join(str(int(character, 36)) for character in account + country) + "00"
    whole = f"{country}{98 - int(turned) % 97:02d}{account}"
    groups = " ".join(whole[i : i + 4] for i in range(0, len(whole), 4))
    return rng.choice([whole, groups])


def card(rng: random.Random) -> str:
    start = rng.choice(["4", "51", "2221", "6011", "37"])
    size = 15 if start == "37" else 16
    body = start + some(rng, string.digits, size - 1 - len(start))
    whole = body + next(digit for digit in string.digits if luhn(body + digit))
    if size == 15:
        return rng.choice([whole, f"{whole[:4]} {whole[4:10]} {whole[10:]}"])
    return rng.choice([whole, *(mark.join(whole[i : i + 4] for i in range(0, 16, 4)) for mark in " -")])


def key(rng: random.Random) -> str:
    shapes: list[Callable[[], str]] = [
        lambda: "sk-proj-" + secret(rng, 48),
        lambda: "ghp_" + secret(rng, 36),
        lambda: "AKIA" + some(rng, string.ascii_uppercase + string.digits, 16),
        lambda: "xoxb-" + some(rng, string.digits, 12) + "-" + secret(rng, 24),
        lambda: f"eyJ{secret(rng, 30)}.eyJ{secret(rng, 60)}.{secret(rng, 43)}",
        lambda: "hf_" + secret(rng, 34),
    ]
    return rng.choice(shapes)()


def wrong_digit(value: str) -> str:
    return value[:-1] + str((int(value[-1]) + 1) % 10)


PLANT: dict[str, Callable[[random.Random], str]] = {
    "email": email, "phone": phone, "ip": ip, "iban": iban, "card": card, "key": key,
}  # fmt: skip
DECOY: dict[str, Callable[[random.Random], str]] = {
    "email": lambda rng: rng.choice(["bob@example.com", "lodash@4.17.21", "git@github.com:a/b", "q@k.dot(x)"]),
    "phone": lambda rng: rng.choice(["+1 415 555 01", "+1 212-555-01"]) + some(rng, string.digits, 2),
    "ip": lambda rng: rng.choice(["version ", "section ", "numpy==", "10.", "Chrome/"]) + "93.184.216.34",
    "iban": lambda rng: wrong_digit(iban(rng)),
    "card": lambda rng: rng.choice(["order 4", "tracking no. 4", "ISBN 978"]) + some(rng, string.digits, 15),
    "key": lambda rng: rng.choice([str(uuid.UUID(int=rng.getrandbits(128))), f"{rng.getrandbits(160):040x}"]),
}  # fmt: skip


def planted_texts(size: int, rng: random.Random) -> list[tuple[str, set[tuple[str, int, int]]]]:
    """(text, the values planted in it as kind, start, end), `size` bytes in all."""
    out: list[tuple[str, set[tuple[str, int, int]]]] = []
    while size > 0:
        words = rng.choices(WORDS, k=rng.randrange(30, 400))
        planted: set[tuple[str, int, int]] = set()
        text = " ".join(words)
        if rng.random() < 0.2:
            kind, real = rng.choice(KINDS), rng.random() < 0.5
            value = (PLANT if real else DECOY)[kind](rng)
            before = rng.choice(["It is ", "see (", 'set "', "\n"])
            if real:
                start = len(text) + 1 + len(before)
                planted.add((kind, start, start + len(value)))
            text = f"{text} {before}{value}{rng.choice([', thanks', ')', chr(34), chr(10)])}" + " ".join(words[:5])
        out.append((text, planted))
        size -= len(text.encode())
    return out


def speed(work: Callable[[], object], megabytes: float) -> float:
    passes = []
    for _ in range(3):
        start = time.process_time()
        work()
        passes.append(megabytes / (time.process_time() - start))
    return statistics.median(passes)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--megabytes", type=float, default=8)
    arguments.add_argument("--seed", type=int, default=0)
    given = arguments.parse_args()
    texts = planted_texts(int(given.megabytes * 1e6), random.Random(given.seed))
    written = [json.dumps({"messages": [{"role": "user", "content": text}]}) for text, _ in texts]
    megabytes = sum(len(text.encode()) for text, _ in texts) / 1e6

    def as_records() -> None:
        for record in written:
            if may_hold(record):
                for message in json.loads(record)["messages"]:
                    find(message["content"])

    print(f"{len(texts):,} texts, {megabytes:.1f} MB")
    print(f"find            {speed(lambda: [find(text) for text, _ in texts], megabytes):6.1f} MB/CPU-s")
    print(f"find, US        {speed(lambda: [find(text, region='US') for text, _ in texts], megabytes):6.1f} MB/CPU-s")
    print(f"JSON records    {speed(as_records, megabytes):6.1f} MB/CPU-s")
    true: Counter[str] = Counter()
    found: Counter[str] = Counter()
    right: Counter[str] = Counter()
    for text, planted in texts:
        matches = {(match.kind, match.start, match.end) for match in find(text)}
        true.update(kind for kind, _, _ in planted)
        found.update(kind for kind, _, _ in matches)
        right.update(kind for kind, _, _ in matches & planted)
    print(f"{'kind':8}{'planted':>8}{'found':>8}{'recall':>8}{'precision':>11}")
    for kind in KINDS:
        recall, precision = right[kind] / max(true[kind], 1), right[kind] / max(found[kind], 1)
        print(f"{kind:8}{true[kind]:8}{found[kind]:8}{recall:8.3f}{precision:11.3f}")


if __name__ == "__main__":
    main()
