"""The pipeline as a graph: the stages of dvc.yaml, those of each source or region as one, and what flows between."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from climate.report import words
from climate.report.tables import Cell, Column, Table

PIN = "data.dvc"
"""The import that pins what was pulled; it stands beside dvc.yaml, in a file of its own."""


@dataclass(frozen=True)
class Step:
    """One stage, or all stages of one `foreach`."""

    name: str
    about: str
    command: str
    each: str = ""
    """What there is one stage for, such as `region`; "" for a single stage."""
    count: int = 1
    reads: Sequence[str] = ()
    writes: Sequence[str] = ()
    after: Sequence[str] = field(default=())
    """Names of the steps whose files it reads, without those that another of them implies."""


def steps(pipeline: Mapping[str, Any], params: Mapping[str, Any]) -> list[Step]:
    """The steps of dvc.yaml in an order in which they can run."""
    found = [_step(str(name), stage, params) for name, stage in pipeline.get("stages", {}).items()]
    if any(_meets(out, "downloads") for step in found for out in step.writes):
        found.append(Step(PIN, "The pin of what was pulled", "", reads=["downloads"], writes=["data"]))
    before = {step.name: {other.name for other in found if other is not step and _feeds(other, step)} for step in found}
    placed: list[Step] = []
    while len(placed) < len(found):
        known = {step.name for step in placed}
        ready = [step for step in found if step.name not in known and before[step.name] <= known]
        if not ready:  # DVC itself refuses a cycle; here it only ends the drawing
            break
        placed += ready
    return [_with_order(step, before) for step in placed]


def _step(name: str, stage: Mapping[str, Any], params: Mapping[str, Any]) -> Step:
    body, key, count = stage.get("do", stage), "", 1
    if "foreach" in stage:
        key = str(stage["foreach"]).removeprefix("${").removesuffix("}")
        items: Any = params
        for part in key.split("."):
            items = items.get(part, {}) if isinstance(items, Mapping) else {}
        count, key = len(items), key.rpartition(".")[2].removesuffix("s")
    writes = [path for kind in ("outs", "metrics", "plots") for path in _paths(body.get(kind, ()))]
    reads = list(_paths(body.get("deps", ())))
    return Step(name, str(body.get("desc", "")), str(body.get("cmd", "")), key, count, reads, writes)


def _paths(entries: Any) -> list[str]:
    return [entry if isinstance(entry, str) else str(next(iter(entry))) for entry in entries]


def _feeds(earlier: Step, later: Step) -> bool:
    return any(_meets(out, dep) for out in earlier.writes for dep in later.reads)


def _meets(one: str, other: str) -> bool:
    """Whether two paths are the same, or one holds the other; what stands in ${} may be anything."""
    first, second = (f"{path.partition('${')[0].rstrip('/')}/" for path in (one, other))
    return first.startswith(second) or second.startswith(first)


def _with_order(step: Step, before: Mapping[str, set[str]]) -> Step:
    """`step` with the steps right before it: one that another of them already waits for is left out."""
    direct = before[step.name]
    implied = set().union(*(_ancestors(name, before) for name in direct)) if direct else set()
    return Step(
        step.name, step.about, step.command, step.each, step.count, step.reads, step.writes, sorted(direct - implied)
    )


def _ancestors(name: str, before: Mapping[str, set[str]]) -> set[str]:
    found: set[str] = set()
    waiting = list(before[name])
    while waiting:
        one = waiting.pop()
        if one not in found:
            found.add(one)
            waiting += before[one]
    return found


def layers(found: Sequence[Step]) -> list[list[Step]]:
    """Steps by the longest way to them from the start; those that nothing is joined to come last."""
    depth: dict[str, int] = {}
    for step in found:
        depth[step.name] = 1 + max((depth[name] for name in step.after), default=-1)
    joined = {name for step in found for name in (*step.after, *([step.name] if step.after else []))}
    depth |= {step.name: max(depth.values()) for step in found if step.name not in joined}
    return [
        [step for step in found if depth[step.name] == level] for level in range(max(depth.values(), default=-1) + 1)
    ]


def step_table(found: Sequence[Step]) -> Table:
    """What each step does, runs, reads and writes."""
    rows = []
    for step in found:
        data = [path for path in step.reads if not path.endswith(".py") and not path.startswith("climate")]
        times = f"{step.count} times, once for each {step.each}" if step.each else ""
        rows.append(
            [
                Cell(step.name, note=step.command.replace("${key}", "<key>")),
                Cell(step.about, note=times),
                Cell(_listed(data)),
                Cell(_listed(step.writes)),
            ]
        )
    return Table(
        "The steps of the pipeline in an order in which they can run. Besides files, each step depends on the modules "
        "that it runs and on the parameters that it reads: a change runs again what it touches and no more.",
        [Column("Step"), Column("Does"), Column("Reads"), Column("Writes")],
        rows,
    )


def _listed(paths: Sequence[str]) -> str:
    """Paths in words, with the place of a name in angle brackets."""
    return (
        ", ".join(path.replace("${key}", "<key>").replace("${", "<").replace("}", ">") for path in paths) or words.NONE
    )
