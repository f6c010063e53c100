"""A run as logs that Inspect's viewer and `read_eval_log` open (Inspect log format 2, JSON). One file for each agent.

It knows that format's names, written by hand: nothing of Inspect is imported. Truth is in no log, so that one can be
shown; dates are fixed, so that the same run gives the same bytes.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from ..tools.version import VERSION
from .records import Record, Run
from .suite import Ended, Instance, Usage
from .summary import AgentSummary, summary
from .summary_json import figure

DATE: Final = "1970-01-01T00:00:00+00:00"
_LIMITS: Final[Mapping[Ended, str]] = {"timed_out": "time", "over_budget": "custom"}


def export(run: Run, instances: Mapping[str, Instance], folder: Path) -> list[Path]:
    """Write the logs; -> their paths. `instances` give the texts of tasks."""
    folder.mkdir(parents=True, exist_ok=True)
    records = list(run.records().values())
    written = []
    for choice in run.plan.choices:
        found = [one for one in records if one.agent == choice.label]
        body = log(run, choice.label, choice.model or "none/none", found, instances)
        name = re.sub(r"[^\w.-]+", "-", f"1970-01-01T00-00-00+00-00_{run.id}-{choice.label}").strip("-")
        path = folder / f"{name}_{_id(run.id, choice.label)}.json"
        path.write_text(json.dumps(body, indent=1, allow_nan=False) + "\n", encoding="utf-8")
        written.append(path)
    return written


def log(
    run: Run, label: str, model: str, records: Sequence[Record], instances: Mapping[str, Instance]
) -> dict[str, Any]:
    """One agent's log as JSON."""
    plan, told = run.plan, summary(run, label, records)
    if told.spent.simulated:
        model = f"simulated/{model.rpartition('/')[2]}"
    usage = _usage([one.usage for one in records])
    return {
        "version": 2,
        "status": "success" if not told.missing else "cancelled",
        "eval": {
            "created": DATE,
            "task": f"{plan.suite}@{plan.version}",
            "task_id": _id(plan.suite),
            "task_version": plan.version,
            "run_id": _id(run.id),
            "eval_id": _id(run.id, label),
            "dataset": {"name": f"{plan.suite}:{plan.set}", "samples": len(plan.instances),
                        "sample_ids": list(plan.instances), "shuffled": False},
            "model": model,
            "config": {"epochs": plan.epochs, "time_limit": round(plan.limits.seconds)},
            "packages": {"tilth": VERSION},
            "task_args": {"agent": label},
            "metadata": {"agent": label, "set": plan.set, "metric": plan.metric, "better": plan.better,
                         "simulated": told.spent.simulated},
        },
        "plan": {"name": "plan", "steps": [{"solver": label, "params": {}}], "config": {}},
        "results": {
            "total_samples": told.jobs,
            "completed_samples": told.ended.get("answered", 0),
            "scores": [_score(plan.metric, told, records)],
        },
        "stats": {"started_at": DATE, "completed_at": DATE, "model_usage": {model: usage}},
        "samples": [_sample(run, one, model, instances.get(one.instance)) for one in records],
    }  # fmt: skip


def _score(metric: str, told: AgentSummary, records: Sequence[Record]) -> dict[str, Any]:
    scored = sum(one.score is not None and one.score.value is not None for one in records)
    figures = {"mean": told.score.value, "low": told.score.low, "high": told.score.high}
    pooled = {f"{name} (pooled)": one.value for name, one in told.pooled.items()}
    found = {name: figure(value) for name, value in {**figures, **pooled}.items()}
    return {
        "name": metric,
        "scorer": metric,
        "params": {},
        "scored_samples": scored,
        "unscored_samples": told.jobs - scored,
        "metrics": {
            name: {"name": name, "value": value, "params": {}} for name, value in found.items() if value is not None
        },
    }


def _sample(run: Run, record: Record, model: str, instance: Instance | None) -> dict[str, Any]:
    messages = [_message(one) for one in run.transcript(record)]
    answer = json.dumps(record.submission, ensure_ascii=False) if record.submission is not None else ""
    task = instance.task if instance is not None else record.instance
    made: dict[str, Any] = {
        "id": record.instance,
        "epoch": record.epoch + 1,
        "input": task,
        "target": "",
        "messages": messages or [{"role": "user", "content": task}, {"role": "assistant", "content": answer}],
        "output": {
            "model": model,
            "choices": [{"message": {"role": "assistant", "content": answer}, "stop_reason": "stop"}],
            "usage": _usage([record.usage]),
        },
        "scores": {},
        "metadata": {"ended": record.ended, "why": record.why, "cluster": record.cluster, **record.tags},
        "store": {},
        "events": [],
        "model_usage": {model: _usage([record.usage])},
    }
    if record.score is not None:
        made["scores"] = {
            run.plan.metric: {
                "value": record.score.value if record.score.value is not None else "N",
                "answer": answer,
                "explanation": "\n".join(record.score.notes) or None,
                "metadata": {"metrics": dict(record.score.metrics), "families": dict(record.score.families)},
            }
        }
    if record.ended in _LIMITS:
        made["limit"] = {"type": _LIMITS[record.ended], "limit": run.plan.limits.seconds}
    elif record.ended != "answered":
        said = f"{record.ended}: {record.why}"
        made["error"] = {"message": said, "traceback": said, "traceback_ansi": said}
    return made


def _message(one: Mapping[str, Any]) -> dict[str, Any]:
    """An OpenAI message as Inspect writes it: arguments of tool calls are objects, not text."""
    role = one.get("role", "user")
    made: dict[str, Any] = {"role": role if role in ("system", "user", "assistant", "tool") else "user"}
    content = one.get("content")
    made["content"] = content if isinstance(content, str) else "" if content is None else json.dumps(content)
    if made["role"] == "assistant" and one.get("tool_calls"):
        made["tool_calls"] = [_call(call) for call in one["tool_calls"]]
    if made["role"] == "tool":
        made["tool_call_id"] = one.get("tool_call_id")
    return made


def _call(call: Mapping[str, Any]) -> dict[str, Any]:
    function = call.get("function", {})
    text = function.get("arguments") or "{}"
    made = {"id": call.get("id", ""), "function": function.get("name", ""), "type": "function"}
    try:
        arguments = json.loads(text)
    except ValueError as error:
        return {**made, "arguments": {"text": text}, "parse_error": str(error)}
    return {**made, "arguments": arguments if isinstance(arguments, dict) else {"value": arguments}}


def _usage(usages: Sequence[Usage]) -> dict[str, int]:
    tokens_in, tokens_out = sum(one.tokens_in for one in usages), sum(one.tokens_out for one in usages)
    return {"input_tokens": tokens_in, "output_tokens": tokens_out, "total_tokens": tokens_in + tokens_out}


def _id(*parts: str) -> str:
    """22 letters and digits, as Inspect's ids are."""
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:22]
