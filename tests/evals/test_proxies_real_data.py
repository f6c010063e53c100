"""The proxies over people's texts: the learner learns from them, faults cost accuracy, and curation gives it back or does
harm, which is told with its sign."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from tilth.evals.heuristics import recipes as rules
from tilth.evals.planted.draw import Draw
from tilth.evals.proxies.naive_bayes import accuracy
from tilth.evals.proxies.pools import PROXIES, Pool, Proxy, drawn, error, example, learned, pool
from tilth.evals.proxies.running import run

MOST_LABELS = 12
ROWS = {"labels": 240 + 1000, "selection": 420 + 300 + 1000}
"""Texts that a pool and its hold-outs take."""


def banking77(folder: Path) -> list[tuple[str, str]]:
    found = []
    for name in ("train.csv", "test.csv"):
        with (folder / "banking77" / name).open(encoding="utf-8", newline="") as file:
            found += [(row["text"], row["category"]) for row in csv.DictReader(file)]
    return found


def clinc150(folder: Path) -> list[tuple[str, str]]:
    told = json.loads((folder / "clinc150" / "data_full.json").read_text(encoding="utf-8"))
    return [(text, label) for part in ("train", "val", "test") for text, label in told[part]]


def snips(folder: Path) -> list[tuple[str, str]]:
    found = []
    for path in sorted((folder / "snips").glob("train_*_full.json")):
        ((label, rows),) = json.loads(path.read_text(encoding="latin-1")).items()
        found += [("".join(part["text"] for part in row["data"]), label) for row in rows]
    return found


READERS = {"banking77": banking77, "clinc150": clinc150, "snips": snips}


@dataclass
class Real:
    """`rows` are taken from their ends; wiki sentences are of another domain."""

    rows: Mapping[str, list[str]]
    wiki: list[str]

    @property
    def labels(self) -> Sequence[str]:
        return list(self.rows)

    def of(self, draw: Draw, label: str) -> str:
        return self.rows[label].pop()

    def strange(self, draw: Draw) -> str:
        return self.wiki.pop()


def made(folder: Path, name: str, proxy: Proxy) -> Pool:
    by_label: dict[str, dict[str, None]] = {}
    for text, label in READERS[name](folder):
        by_label.setdefault(label, {})[" ".join(text.split()).lower()] = None
    wiki = (folder / "clinc150" / "all_wiki_sents.txt").read_text(encoding="utf-8").splitlines()

    def texts(draw: Draw) -> Real:
        count = min(MOST_LABELS, len(by_label))
        enough = [label for label, rows in by_label.items() if len(rows) >= ROWS[proxy] / count + 3]
        labels = draw.some(enough, count)
        return Real({label: draw.shuffled(list(by_label[label])) for label in labels}, draw.some(wiki, 200))

    return pool(name, proxy, texts)


def recovery(one: Pool, ids: set[str], seed: str) -> float:
    """Of the rows that are left, on the second hold-out."""
    rows = [example(row) for row in one.rows if row["id"] in ids]
    return (learned(rows, one.second, one.budget, seed) - one.dirty) / (one.oracle - one.dirty)


def left_by_rules(one: Pool, folder: Path) -> set[str]:
    body = "".join(json.dumps(row) + "\n" for row in one.rows).encode()
    (folder / rules.POOL).write_bytes(body)
    (text,) = rules.submission(folder, "")["recipes"]
    return {str(record["id"]) for record in run(text, rules.POOL, body).records}


@pytest.mark.slow
@pytest.mark.parametrize("proxy", PROXIES)
@pytest.mark.parametrize("name", READERS)
def test_curation_of_peoples_texts_has_a_worth_with_a_sign(
    shared_data: Path, tmp_path: Path, name: str, proxy: Proxy
) -> None:
    one = made(shared_data, name, proxy)
    every = {row["id"] for row in one.rows}
    best = [row["id"] for row in one.rows if row["id"] in one.good][: one.budget]
    clean = accuracy([example(row) for row in one.rows if row["id"] in one.good], one.second)
    assert clean > 0.75
    assert one.oracle - one.dirty >= 4 * error(one.dirty)
    ruled, halved = left_by_rules(one, tmp_path), set(drawn(sorted(every), len(every) // 2, "half"))
    kept = {
        "oracle": set(best),
        "nothing": every,
        "rules": ruled,
        "random half": halved,
        "faults only": every - one.good,
    }
    found = {who: recovery(one, ids, name) for who, ids in kept.items()}
    print(
        f"{name} {proxy}: dirty {one.dirty:.3f}, oracle {one.oracle:.3f};", {k: round(v, 2) for k, v in found.items()}
    )
    assert found["oracle"] == 1.0
    assert found["nothing"] == 0.0
    assert found["rules"] > (0.5 if proxy == "labels" else -0.3)  # copies alone are little of what is wrong
    assert found["random half"] < 0.5
    assert found["faults only"] < -1.0
