"""The words of the command line: one table of verbs and one of options.

It knows names, help and how a value is read. What a verb does is told beside it as `module:function`; how a line is
parsed is `parsing`'s business. Nothing heavy is imported here, so that `tilth --help` starts at once.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass, field
from typing import Any, Final


@dataclass(frozen=True)
class Argument:
    """One argument as argparse takes it."""

    names: tuple[str, ...]
    settings: dict[str, Any] = field(default_factory=dict)

    @property
    def takes_value(self) -> bool:
        return self.settings.get("action") is None


def argument(*names: str, **settings: Any) -> Argument:
    return Argument(names, settings)


@dataclass(frozen=True)
class Verb:
    """One command. `handler` is `module:function` under tui; `takes` are the options it heeds of LIMITED;
    `passes_on` says that what stands after `--` is for a program it starts."""

    name: str
    summary: str
    handler: str
    arguments: tuple[Argument, ...] = ()
    takes: frozenset[str] = frozenset()
    hidden: bool = False
    passes_on: bool = False


def verb(
    name: str,
    summary: str,
    handler: str,
    *arguments: Argument,
    takes: str = "",
    hidden: bool = False,
    passes_on: bool = False,
) -> Verb:
    return Verb(name, summary, handler, arguments, frozenset(takes.split()), hidden, passes_on)


def _count(text: str) -> int:
    """A whole number from 1 on."""
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1 on")
    return int(text)


def _share(text: str) -> float:
    """A share between 0 and 1, or a percentage."""
    try:
        value = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no share; write 0.1 or 10%")
    return value


def _amount(text: str) -> float:
    """A number from 0 on."""
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 0 on")
    return value


OPTIONS: Final = (
    argument("--workspace", metavar="DIR", help="the workspace's folder (default: the nearest one above)"),
    argument("--json", action="store_true", help="events as JSON lines on stdout; the last line is the result"),
    argument("--jsonl", action="store_true", help="bare rows as JSON lines (show, sql, drops, diff)"),
    argument("--csv", action="store_true", help="bare rows as CSV (show, sql, drops, diff)"),
    argument("--seed", type=int, metavar="N", help="seed of everything random (default 0)"),
    argument("--sample", type=_count, metavar="N", help="try on N rows: a scratch version (do, run, inspect)"),
    argument("--max-drop", type=_share, metavar="SHARE", help="exit 1 when a step drops more, 0.1 is 10 %% (do, run)"),
    argument("--max-usd", type=_amount, metavar="USD", help="the most that models may cost (do, run, ask, chat)"),
    argument("--max-calls", type=_count, metavar="N", help="the most calls to models (do, run, ask, chat)"),
    argument("--max-minutes", type=_amount, metavar="N", help="the most minutes of asking models (do, run, ask, chat)"),
    argument("--threads", type=_count, metavar="N", help="threads to use; results never depend on it"),
    argument("--yes", action="store_true", help="answer yes where a question would be asked"),
    argument("--plain", action="store_true", help="no colour, nothing redrawn, one thing after another"),
    argument("--quiet", action="store_true", help="no narration; warnings and results only"),
)
LIMITED: Final = ("jsonl", "csv", "sample", "max_drop", "max_usd", "max_calls", "max_minutes")
"""Options that mean something to some verbs only; elsewhere they are an error rather than ignored."""

_DATASET = argument("dataset", metavar="X", help="NAME, NAME~1, NAME@TAG, NAME@VERSION, or a file")
_ROW = argument("row", metavar="ROW", help="a row id (6 digits or more), FILE:LINE, or its own key")
_IN = argument("--in", dest="dataset", metavar="X", help="look in this dataset only")
_BECAUSE = argument("--because", metavar="WHY", required=True, help="the reason, which is kept with the ruling")
_NAME = argument("dataset", metavar="X", help="a dataset's name")
_ABOUT = argument("dataset", metavar="X", nargs="?", help="the dataset it is about (default: the only one)")
_RESUME = argument("--resume", metavar="ID", help="go on with a session; 'last' is the newest")
_NUMBER: Final = ("-n", "--count")
_COSTS: Final = "max_usd max_calls max_minutes"

VERBS: Final = (
    verb("inspect", "what is in a dataset and what is wrong with it", "verbs.act:inspect", _DATASET,
         argument("--html", metavar="FILE", help="also write one self-contained page"), takes="sample"),
    verb("import", "read files as a dataset", "verbs.bring:import_",
         argument("name", metavar="NAME", help="the dataset's name"),
         argument("paths", metavar="PATH", nargs="*", help="files, globs or folders; - is standard input"),
         argument("--format", metavar="F", help="messages, sharegpt, alpaca, prompt-completion, preference, "
                  "unpaired-preference, text or table (default: detected)"),
         argument("--map", metavar="FIELD=PATH", action="append", default=[], help="where a field lies in a record"),
         argument("--id", metavar="COLUMN", help="keep this column as the rows' own key"),
         argument("--append", action="store_true", help="add rows to an existing dataset"),
         argument("--replace", action="store_true", help="start an existing dataset anew; undo still works"),
         argument("--split", metavar="NAME", help="the split of these rows (default: what the names of "
                  "files and folders say; none: they mean none, so that test.jsonl need not be a test split)"),
         argument("--license", metavar="ID", help="the licence their owner declares"),
         argument("--encoding", metavar="CODEC", help="of text files (default utf-8, strictly)"),
         argument("--kind", metavar="KIND", help="jsonl, json, csv, text, parquet or arrow (default: told by names)"),
         argument("--delimiter", metavar="CHAR", help="of CSV (default: detected)"),
         argument("--no-header", action="store_true", help="the first line of a CSV file is data"),
         argument("--columns", metavar="A,B", help="names for CSV columns or for elements of array records"),
         argument("--records", metavar="KEY", help="the key of a JSON object that holds the records"),
         argument("--text-unit", metavar="UNIT", help="a record of a text file: line, paragraph or file"),
         argument("--max-reject", metavar="SHARE", type=_share, help="stop when more records are bad (default 0.01)")),
    verb("do", "run a tool on a dataset", "verbs.act:do",
         argument("tool", metavar="TOOL", help="a tool's id, as 'tilth tools' lists them"), _DATASET,
         argument("--what-if", metavar="NAME=V1,V2", help="what several values of a threshold would drop; "
                  "changes nothing"),
         argument("--dry-run", action="store_true", help="what would be dropped, or asked of models; does neither"),
         argument("--amend", action="store_true", help="do the tool's last step again with these arguments over its "
                  "old ones, and all steps that followed it"),
         takes=f"sample max_drop {_COSTS}"),
    verb("run", "run a recipe from its sources", "verbs.act:run",
         argument("recipe", metavar="RECIPE", help="a YAML file"),
         argument("--set", metavar="KEY=VALUE", action="append", default=[], help="override a value: seed=7, "
                  "export.to=DIR, steps.2.max_drop=0.1, or an argument of every step of a tool: filter.rules.max_looped=0.5"),
         argument("--dry-run", action="store_true", help="list the steps and what they would ask of models; does nothing"),
         argument("--until", metavar="STEP", help="stop after this step (a tool or a number)"),
         argument("--locked", action="store_true", help="exit 1 when anything differs from the lock file"),
         takes=f"sample max_drop {_COSTS}"),
    verb("tools", "list tools, show one, or check a file of your own: tools check FILE", "verbs.look:tools",
         argument("words", metavar="TOOL", nargs="*", help="a tool's id, or check FILE")),
    verb("datasets", "list the datasets of this workspace", "verbs.look:datasets"),
    verb("status", "datasets, running command, disk used, what to do next", "verbs.look:status"),
    verb("tag", "name a version: NAME@LABEL", "verbs.act:tag", _DATASET,
         argument("label", metavar="LABEL", help="the name to give"),
         argument("--move", action="store_true", help="take the name from the version that has it")),
    verb("show", "print rows", "verbs.look:show", _DATASET,
         argument("--where", metavar="SQL", help="a predicate over the row's columns"),
         argument(*_NUMBER, type=_count, default=10, metavar="N", help="how many rows (default 10)"),
         takes="jsonl csv"),
    verb("sql", "query a version: views rows, dropped, texts, turns, signals, decisions, findings, facts",
         "verbs.look:sql", _DATASET, argument("query", metavar="QUERY", help="one SELECT"),
         argument(*_NUMBER, type=_count, metavar="N", help="at most N rows"), takes="jsonl csv"),
    verb("drops", "what was dropped, why, with examples", "verbs.look:drops", _DATASET,
         argument("--step", metavar="STEP", help="only this step (a tool or a number of the log)"),
         argument("--reason", metavar="REASON", help="only this reason"),
         argument(*_NUMBER, type=_count, default=5, metavar="N", help="examples per reason (default 5)"),
         takes="jsonl csv"),
    verb("why", "the whole life of one row", "verbs.look:why", _ROW, _IN),
    verb("keep", "rule that a row stays, now and in every later run", "verbs.rule:keep", _ROW, _BECAUSE, _IN),
    verb("drop", "rule that a row goes, now and in every later run", "verbs.rule:drop", _ROW, _BECAUSE, _IN),
    verb("review", "look at a sample of rows, rule on them, and learn how often the steps were wrong",
         "verbs.rule:review", _DATASET,
         argument("--reason", metavar="REASON", help="only rows dropped for this reason (default: half dropped for "
                  "any, half that stayed)"),
         argument(*_NUMBER, type=_count, default=50, metavar="N", help="how many rows (default 50)"),
         argument("--blind", action="store_true", help="do not show what was decided about a row")),
    verb("report", "what changed since an older version, for a pull request", "verbs.look:report", _DATASET,
         argument("--since", metavar="REV", required=True, help="the older version: a tag of X, or NAME@TAG, NAME~1"),
         argument("--recipe", metavar="FILE", help="also check the expectations and the lock of this recipe"),
         argument("--md", action="store_true", help="Markdown of at most 60 lines (the default)"),
         argument("--html", metavar="FILE", nargs="?", const="-", help="one self-contained page with plots, to FILE "
                  "or stdout")),
    verb("purge", "erase one row for good, from packs, caches, calls and sessions; no undo", "verbs.keep:purge",
         _ROW, argument("--because", metavar="TEXT", required=True, help="the reason; it stays on the tombstone"), _IN),
    verb("log", "what was done", "verbs.look:log",
         argument("dataset", metavar="X", nargs="?", help="one dataset only"),
         argument("--verify", action="store_true", help="check the log's chain and every stored object"),
         argument("--recipe", action="store_true", help="print the steps as a recipe")),
    verb("diff", "what differs between two versions", "verbs.look:diff",
         argument("a", metavar="A", help="a version; alone: what its last step did"),
         argument("b", metavar="B", nargs="?", help="another version"),
         argument("--stat", action="store_true", help="counts only"),
         argument("--rows", action="store_true", help="every row that differs, not examples"),
         argument("--md", action="store_true", help="as Markdown"),
         argument(*_NUMBER, type=_count, default=3, metavar="N", help="examples per group (default 3)"),
         takes="jsonl csv"),
    verb("undo", "take back the last step", "verbs.act:undo", _NAME,
         argument("--to", metavar="VERSION", help="back to this version")),
    verb("redo", "take back the last undo", "verbs.act:redo", _NAME),
    verb("export", "write files that load, with their card", "verbs.bring:export", _DATASET,
         argument("folder", metavar="DIR", nargs="?", help="where to (default exports/NAME-VERSION)"),
         argument("--format", metavar="F", help="messages, prompt-completion, preference, unpaired-preference, text, "
                  "alpaca, sharegpt, jsonl, csv or parquet"),
         argument("--for", dest="trainer", metavar="TRAINER", help="trl, axolotl or llama-factory: also its config"),
         argument("--split", metavar="A=.9,B=.1", help="shares of splits"),
         argument("--group-by", metavar="COLUMN", help="rows that agree in it stay in one split"),
         argument("--uniform", action="store_true", help="one shape for all records, as a declared loss"),
         argument("--force", action="store_true", help="also a further round of made rows without its real parents")),
    verb("card", "print the dataset card; 'card verify DIR' is verify-card", "verbs.bring:card",
         argument("words", metavar="X", nargs="+", help="a dataset, or verify DIR")),
    verb("verify-card", "compute every number of an exported card again", "verbs.bring:verify_card",
         argument("folder", metavar="DIR", help="an export")),
    verb("bundle", "pack a version's history into one file that works anywhere", "verbs.keep:bundle", _DATASET,
         argument("file", metavar="FILE", help="the file to write, as X.tar.zst"),
         argument("--rows", action="store_true", help="the rows too: why, drops, diff and run --locked work from it")),
    verb("unbundle", "unpack a bundle as a workspace", "verbs.keep:unbundle",
         argument("file", metavar="FILE", help="a bundle"),
         argument("folder", metavar="DIR", help="a new or empty folder")),
    verb("benchmark", "register a benchmark to look for in training data, list them, report what the last scan found",
         "verbs.benchmark:benchmark",
         argument("action", metavar="add|list|report|exclude", choices=("add", "list", "report", "exclude"),
                  help="add NAME PATH…; list; report X: the last scan of a dataset; exclude X [DIR]: items to leave out "
                  "of an evaluation"),
         argument("name", metavar="NAME", nargs="?", help="the benchmark's name, or a dataset"),
         argument("paths", metavar="PATH", nargs="*", default=[], help="files of items, or a folder"),
         argument("--html", metavar="FILE", help="report: as a page, - for stdout"),
         argument("--verdicts", metavar="V,V", default="exact,near_verbatim,rephrased", help="exclude: which items "
                  "(default: exact,near_verbatim,rephrased)"),
         argument("--question", metavar="FIELD", help="the question's field (default: guessed, with the others)"),
         argument("--answer", metavar="FIELD", help="the answer's field"),
         argument("--options", metavar="FIELD", help="the options' field, or several: A,B,C,D"),
         argument("--passage", metavar="FIELD", help="the field of a text the question is about"),
         argument("--id", metavar="REV", help="which revision of the benchmark this is"),
         argument("--license", metavar="L", help="the licence its owner declares")),
    verb("models", "list endpoints and roles; add NAME URL; check what models can do", "verbs.models:models",
         argument("words", metavar="WORD", nargs="*", help="nothing, add NAME URL, or check [MODEL…]; a model is "
                  "openai:MODEL@ENDPOINT, vllm:MODEL or offline:"),
         argument("--key-env", metavar="VAR", help="add: the variable that holds the key; the key is never written"),
         argument("--may-see", choices=("rows", "statistics", "nothing"), help="add: what of the data it may receive "
                  "(default: rows for local hosts, statistics for others)"),
         argument("--model", metavar="MODEL", action="append", default=[], help="add: a model for the roles that are "
                  "empty; the first generates, the last adjudicates, others review")),
    verb("serve", "run a vLLM server for this workspace, until Ctrl-C; after -- come arguments of vLLM's own",
         "verbs.serve:serve",
         argument("model", metavar="MODEL", nargs="?", help="a model's name on a hub, or its folder"),
         argument("--python", metavar="PYTHON", help="the Python that vLLM is installed in (default: this one)"),
         argument("--wait", type=_amount, default=900.0, metavar="S", help="seconds to wait for it (default 900)"),
         argument("--stop", action="store_true", help="stop the server this workspace runs"), passes_on=True),
    verb("eval", "measure agents on benchmark suites: list, run, show, report, compare, rescore; calibrate judges",
         "verbs.evaluate:evaluate",
         argument("action", metavar="ACTION", choices=("list", "run", "show", "report", "compare", "rescore", "calibrate"),
                  help="list; run SUITE; show SUITE; report RUN [RUN]; compare RUN[:AGENT] RUN[:AGENT]; rescore RUN; "
                  "calibrate [X]: fit the cut of a rubric to people's verdicts"),
         argument("words", metavar="WORD", nargs="*", default=[], help="a suite (its name, or FILE.py), or runs"),
         argument("--agent", metavar="A", action="append", default=[], help="run: a name, FILE.py:CLASS, "
                  "cmd:\"COMMAND\" or replay:RUN; NAME=… names it; several are measured on the same instances"),
         argument("--model", metavar="M", action="append", default=[], help="run: a model for agents that use one; "
                  "several make a matrix"),
         argument(*_NUMBER, type=_count, metavar="N", help="how many instances (default 30)"),
         argument("--seeds", metavar="SET", help="public (default), fresh or set:ID"),
         argument("--data", metavar="DIR", help="run, show, report, rescore: real data for a suite that takes some"),
         argument("--epochs", type=_count, metavar="K", help="run: tries at each instance (default 1)"),
         argument("--jobs", type=_count, metavar="J", help="run: how many at once (default 4)"),
         argument("--limit", metavar="NAME=VALUE", action="append", default=[], help="run: the budget of one try: "
                  "seconds (300), tool_calls (100), tokens, usd"),
         argument("--budget-usd", type=float, metavar="USD", help="run: begin no try once so much is spent"),
         argument("--env", metavar="VAR", action="append", default=[], help="run: an environment variable that cmd: "
                  "agents may see"),
         argument("--resume", metavar="RUN", help="run: go on with this run"),
         argument("--dry-run", action="store_true", help="run: what it would take and could tell; runs nothing"),
         argument("--instance", metavar="I", help="show: an instance by its id or number, with its truth"),
         argument("--md", action="store_true", help="run, report: as Markdown"),
         argument("--html", metavar="FILE", help="run, report: also write one self-contained page"),
         argument("--inspect", metavar="DIR", help="run, report: also write a log for Inspect's viewer"),
         argument("--prompt", metavar="P", help="calibrate: the rubric (default judge/quality)"),
         argument("--gold", metavar="FILE", help="calibrate: lines of {\"text\": …, \"good\": true}; without it the "
                  "rulings on the rows of X count"),
         argument("--target", type=_share, metavar="P", help="calibrate: the precision to meet (default 0.9)"),
         argument("--batch", type=_count, metavar="B", help="calibrate: rows in one question, as filter.judge has it"),
         argument("--votes", type=_count, metavar="K", help="calibrate: votes on every batch, as filter.judge has it"),
         takes=_COSTS),
    verb("init", "make this folder a workspace, with a commented tilth.toml", "verbs.keep:init",
         argument("folder", metavar="DIR", nargs="?", default=".", help="default: this folder")),
    verb("demo", "make messy data, curate it, show what was found", "verbs.keep:demo",
         argument("folder", metavar="DIR", nargs="?", default="tilth-demo", help="default: tilth-demo"),
         argument("--rows", type=_count, default=5000, metavar="N", help="rows of made-up data (default 5000)")),
    verb("ask", "ask the assistant one thing; text piped in is shown to it", "verbs.chat:ask",
         argument("question", metavar="QUESTION", help="what to say, in quotes"), _ABOUT,
         argument("--approve", metavar="EFFECTS", help="what the model's calls may do: writes, exports, spends, sends "
                  "(default: read only)"),
         _RESUME,
         takes=_COSTS),
    verb("chat", "talk about a dataset and have work done; without a terminal, or with --plain, line by line",
         "verbs.chat:chat", _ABOUT,
         argument("--approve", metavar="EFFECTS", help="without a terminal: what the model's calls may do"), _RESUME,
         takes=_COSTS),
    verb("sessions", "list the conversations of this workspace", "verbs.chat:sessions"),
    verb("prompts", "list the texts models are given; show one; copy one into prompts/ to change it",
         "verbs.prompts:prompts",
         argument("name", metavar="NAME", nargs="?", help="a prompt's name, as the list has it"),
         argument("--eject", action="store_true", help="copy the shipped text into the workspace's prompts/")),
    verb("doctor", "check versions, workspace, terminal, sandbox, endpoints", "verbs.keep:doctor"),
    verb("gc", "remove what killed and stopped commands left behind", "verbs.keep:gc"),
    verb("docs", "write docs/ and the generated parts of README.md", "verbs.keep:docs",
         argument("--check", action="store_true", help="exit 1 at the first difference; writes nothing"), hidden=True),
)  # fmt: skip
