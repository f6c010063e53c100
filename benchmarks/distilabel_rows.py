"""distilabel on the work of throughput.py: run by its own interpreter, `distilabel_rows.py distilabel --once URL`.

Two text generations a row, one for the draft and one that stands for its review, as one pipeline over the same endpoint;
its cache is off, its defaults are left as they are. It knows nothing of this project but the endpoint.
"""

from __future__ import annotations

import argparse
import json
import resource
import time

import distilabel
from distilabel.models import OpenAILLM
from distilabel.pipeline import Pipeline
from distilabel.steps import LoadDataFromDicts
from distilabel.steps.tasks import TextGeneration

IN_FLIGHT = 64


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("engine")
    parser.add_argument("--once", required=True)
    parser.add_argument("--samples", type=int, required=True)
    asked = parser.parse_args()
    with Pipeline(name="rows") as pipeline:
        load = LoadDataFromDicts(
            data=[{"instruction": f"Answer question {i}"} for i in range(asked.samples)], batch_size=IN_FLIGHT
        )
        draft = TextGeneration(
            name="draft", input_batch_size=IN_FLIGHT, output_mappings={"generation": "draft"},
            llm=OpenAILLM(model="pen", base_url=asked.once, api_key="none"),
        )  # fmt: skip
        review = TextGeneration(
            name="review", input_batch_size=IN_FLIGHT, input_mappings={"instruction": "draft"},
            output_mappings={"generation": "review"}, llm=OpenAILLM(model="anna", base_url=asked.once, api_key="none"),
        )  # fmt: skip
        load >> draft >> review
    began = time.monotonic()
    rows = pipeline.run(use_cache=False)["default"]["train"]
    wall = time.monotonic() - began
    whole = sum(bool(one["draft"]) and bool(one["review"]) for one in rows)
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    cpu = sum(one.ru_utime + one.ru_stime for one in used)
    told = {"rows": whole, "calls": 2 * whole, "lost": asked.samples - whole, "wall": wall, "cpu": cpu,
            "version": distilabel.__version__}  # fmt: skip
    print(json.dumps(told))


if __name__ == "__main__":
    main()
