"""datatrove's n-gram decontamination over texts, in an interpreter that has it, spaCy and xxhash<4: `ngrams.py --datatrove`.

    python benchmarks/datatrove_ngrams.py ITEMS.json TEXTS.json N

Prints, as JSON, the CPU-seconds to hash the items, those to look through the texts, and how many documents it would drop.
Its own way of cutting words is used, so it may find others than we do. The indexer wants lighteval's tasks, which the items
are not; its hashing of one item is called instead, and the index given to the filter.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from pathlib import Path

from datatrove.data import Document
from datatrove.pipeline.decont.n_grams import NGramsDecontConfig, NGramsDecontFilter, NGramsDecontIndexer


def main() -> None:
    items, texts = (json.loads(Path(path).read_text(encoding="utf-8")) for path in sys.argv[1:3])
    config = NGramsDecontConfig(n_grams=int(sys.argv[3]))
    with tempfile.TemporaryDirectory() as folder:
        indexer = object.__new__(NGramsDecontIndexer)
        made = NGramsDecontFilter(folder, config)
        indexer.config, indexer.tokenizer, indexer.hash_func = config, made.tokenizer, made.hash_func
        start = time.process_time()
        made._index_hashes = dict.fromkeys((one for item in items for one in indexer.compute_hashes(item)), "items")
        indexed = time.process_time()
        dropped = sum(made.filter(Document(text, str(i))) is not True for i, text in enumerate(texts))
        print(json.dumps({"index": indexed - start, "seconds": time.process_time() - indexed, "dropped": dropped}))


if __name__ == "__main__":
    main()
