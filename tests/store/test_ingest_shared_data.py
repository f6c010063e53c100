"""Real files, each with the rows its owner counts, the format people would name, and what had to be rejected."""

from __future__ import annotations

import pytest

from tilth.tools.errors import BadInput

FILES = [
    ("gpteacher/codegen.json", 4_535, "alpaca"),
    ("gpteacher/roleplay.json", 1_923, "alpaca"),
    ("gpteacher/toolformer.json", 7_673, "alpaca"),
    ("self_instruct/seed_tasks.jsonl", 175, "alpaca"),
    ("self_instruct/user_oriented_instructions.jsonl", 252, "alpaca"),
    ("gsm8k/train.jsonl", 7_473, "prompt-completion"),
    ("gsm8k/test.jsonl", 1_319, "prompt-completion"),
    ("humaneval/HumanEval.jsonl.gz", 164, "prompt-completion"),
    ("banking77/train.csv", 10_003, "text"),
    ("banking77/test.csv", 3_080, "text"),
    ("clinc150/all_wiki_sents.txt", 14_750, "text"),
    ("hospital/dirty.csv", 1_000, "table"),
    ("hospital/clean.csv", 1_000, "table"),
    ("hospital/fd_rules.txt", 13, "text"),
    ("hospital/dc_rules_holoclean.txt", 15, "text"),
    ("magellan_beer", 450, "text"),
    ("label_errors_20news/20news_mturk.json", 93, "table"),
    ("dclm_quality/majority_data.jsonl", 499, "text"),
    ("dclm_quality/agreement_data.jsonl", 281, "text"),
    ("wikitablequestions/pristine-unseen-tables.tsv", 4_344, "table"),
    ("wikitablequestions/training.tsv", 14_152, "table"),
    ("wikitablequestions/README.md", 1, "text"),
]


@pytest.mark.parametrize(("path", "rows", "format"), FILES)
def test_files_give_the_rows_their_owner_counts(read_files, shared_data, path, rows, format):
    read = read_files(shared_data / path)
    assert (len(read.texts), read.rejects, read.reader.mapping.format) == (rows, [], format)


def test_default_fields_say_something(read_files, shared_data):
    for path, _, _ in FILES:
        read = read_files(shared_data / path)
        mapping = read.reader.mapping
        first = mapping.text(read.records[0], mapping.default_field)
        assert len(first) > 10, path


def test_splits_come_from_the_names_of_files(read_files, shared_data):
    assert set(read_files(shared_data / "gsm8k" / "train.jsonl").splits) == {"train"}
    beer = read_files(shared_data / "magellan_beer")
    assert {split: beer.splits.count(split) for split in set(beer.splits)} == {
        "train": 268,
        "validation": 91,
        "test": 91,
    }


def test_intents_by_split_keep_what_their_keys_say(read_files, shared_data):
    read = read_files(shared_data / "clinc150" / "data_full.json", columns=["text", "intent"])
    counts: dict[tuple[str | None, str | None], int] = {}
    for split, record in zip(read.splits, read.records, strict=True):
        key = split, record.get("group")
        counts[key] = counts.get(key, 0) + 1
    assert counts == {
        ("train", None): 15_000,
        ("validation", None): 3_000,
        ("test", None): 4_500,
        ("train", "oos_train"): 100,
        ("validation", "oos_val"): 100,
        ("test", "oos_test"): 1_000,
    }
    assert read.records[0]["intent"] == "oos"


@pytest.mark.parametrize(("pattern", "rows"), [("train_*.json", 13_784), ("validate_*.json", 700)])
def test_intents_by_file_are_read_as_latin_1(read_files, shared_data, pattern, rows):
    read = read_files(shared_data / "snips" / pattern, encoding="latin-1")
    assert len(read.texts) == rows
    assert {record["group"] for record in read.records} == {
        "AddToPlaylist",
        "BookRestaurant",
        "GetWeather",
        "PlayMusic",
        "RateBook",
        "SearchCreativeWork",
        "SearchScreeningEvent",
    }


def test_read_strictly_one_of_them_is_rejected_and_named(read_files, shared_data):
    read = read_files(shared_data / "snips" / "train_*.json")
    assert len(read.texts) == 13_783
    (reject,) = read.rejects
    assert (reject.reason, reject.file.endswith("train_PlayMusic_full.json")) == ("not_utf8", True)


def test_numbers_under_a_key_are_read_when_it_is_named(read_files, shared_data):
    read = read_files(shared_data / "pass_k_golden.json", records="rewards", columns=["a", "b", "c", "d"])
    assert (len(read.records), read.records[0]) == (50, {"a": 0, "b": 0, "c": 0, "d": 0})


def test_labels_alone_are_records_when_they_get_a_name(read_files, shared_data):
    path = shared_data / "banking77" / "categories.json"
    assert read_files(path).reader.rejects == {"not_an_object": 77}
    assert read_files(path, columns=["category"]).records[0] == {"category": "card_arrival"}


def test_columns_of_a_clean_table_read_as_numbers_where_those_of_a_dirty_one_do_not(read_files, shared_data):
    clean = read_files(shared_data / "hospital" / "clean.csv").reader.mapping.cells
    dirty = read_files(shared_data / "hospital" / "dirty.csv").reader.mapping.cells
    assert clean == {"index": "integer", "ProviderNumber": "integer", "ZipCode": "integer", "PhoneNumber": "integer"}
    assert dirty == {"index": "integer"}


def test_hundreds_of_scraped_tables_are_read_whole_or_named(read_files, shared_data):
    """Their quotes are escaped by backslashes in some; 19 headers name a column twice."""
    read, refused = 0, 0
    for path in sorted((shared_data / "wikitablequestions" / "csv").glob("*/*.csv")):
        try:
            assert read_files(path).rejects == []
            read += 1
        except BadInput as error:
            assert "more than once" in str(error)
            refused += 1
    assert (read, refused) == (402, 19)
