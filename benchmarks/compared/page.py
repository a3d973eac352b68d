"""The record as docs/benchmarks.md and docs/benchmarks.svg.

What belongs here: which figures are shown and what is said of them. Every number on the page comes
from the record; sentences that compare are made from the numbers, so that they hold for any record.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from compared import chart, record
from compared.engines import ENGINES, Engine

RECORD = Path(__file__).parents[1] / "peers.json"
PAGE = Path(__file__).parents[2] / "docs" / "benchmarks.md"
CHART = PAGE.with_suffix(".svg")

OURS = {"ingest": "ours, roads", "network": "ours", "routing": "ours", "whole": "ours"}
FROM_NODES = 50_000
"""Growth is told from the first size above this on: below it, start-up is most of the time."""

HEADER = """# Benchmarks against peers

Made from `benchmarks/peers.json` by `python benchmarks/peers.py --page`; do not edit by hand.

This pipeline and the tools that one would use in its place, on one machine: the same synthetic
extract of the Zhengzhou area, the same question, each engine in a process of its own. Sizes are
road nodes of the extract, bends included; above a million, copies of the sample of a million laid over
one another stand in. To measure again (the second line takes some minutes):

```sh
.venv/bin/pip install -e '.[bench]'
.venv/bin/python benchmarks/peers.py
.venv/bin/python benchmarks/peers.py --nodes 10000 100000 1000000 4000000 --save
```
"""

HOW = """## How it was measured

- Seconds are wall time without imports, and without compiling our kernels (once per machine, some
  seconds); medians of up to three runs, one where a run takes over 30 s. The command line and the
  notebook are timed from start to end of the process, imports and all.
- Memory is the greatest resident set of the process, imports included; of several processes the sum,
  which counts shared pages more than once.
- An engine is ended at a limit on time (300 s unless asked otherwise) and memory (10 GB); its cell then
  says when, and in which step it was.
- osmnx reads XML: the conversion of the PBF, filtered to road ways first, is not counted. `ours` holds
  all layers of the extract stage (land, water, railways, stops, services, boundaries), cut to the
  metro, while the peers read roads alone; `ours, roads alone` is given the roads of osmnx's XML as PBF.
  Both use two threads, and have what the pipeline gives its workers: Arrow on the system's memory pool,
  and what the imports made left to no garbage collection. The peers run as they come.
  Our graph is told without its contraction hierarchies{hierarchies}: no peer here has the like of them.
- All routing engines but ours search the graph of our road edges, cut where streets meet or end, in
  Hilbert order; ours contracts it further by itself, which counts as building. No engine has turn
  restrictions or waits at signals here; ours does in real runs. One thread, from up to 20 origins.
- Load is the mean of the machine's load before and after a trial ({loads}). Above the number of
  cores other work slowed the trial down: then seconds of processor time tell more than wall time.
"""

FIGURES = "Seconds (of processor time), peak memory, load of the machine."

TITLES = {
    "ingest": ("Ingest: roads of a PBF as tables", FIGURES),
    "network": ("Network: from an extract to a graph to route on", FIGURES),
    "routing": (
        "Routing: from one origin",
        "Milliseconds (of processor time) per origin to all nodes / to those within 60 minutes; then "
        "seconds to build, peak memory, load. `none`: the engine has no such search.",
    ),
    "whole": (
        "Whole run",
        "Seconds from start to end (of processor time), peak memory, load; two worker processes. The "
        "notebook is "
        "`benchmarks/compared/notebook.py`: roads, dead ends by degree near borders and one isochrone. "
        "No public tool that we know does the rest: pairs and missing links with their gains, bottlenecks, "
        "zones and the border effect, ecology, the index, the pages.",
    ),
}


def write_page() -> None:
    """Write the page and its chart from the record."""
    made = record.read(RECORD)
    PAGE.write_text(page(made), encoding="utf-8")
    CHART.write_text(chart.draw(panels(made)), encoding="utf-8")


def page(made: dict[str, Any]) -> str:
    """The whole page as Markdown."""
    sizes = list(made["sizes"])
    parts = [HEADER, _summary(made), "![Time and memory by size](benchmarks.svg)\n"]
    for task in ENGINES:
        if not any(each["task"] == task for each in made["trials"]):
            continue
        title, text = TITLES[task]
        parts += [f"## {title}\n", f"{text}\n", table(made, task, sizes), _better(made, task)]
        parts += [_agreement(made, task)]
    parts += [_growth(made), _how(made), _machine(made)]
    return "\n".join(part for part in parts if part)


def table(made: dict[str, Any], task: str, sizes: list[str]) -> str:
    """One row an engine, one column a size."""
    heads = [f"{size} ({made['sizes'][size]:,})" for size in sizes]
    rows = [
        "| engine | version | what | " + " | ".join(heads) + " |",
        "|---|---|---|" + "---|" * len(sizes),
    ]
    for engine in ENGINES[task]:
        trials = [_trial(made, task, engine.name, size) for size in sizes]
        if not any(trials):
            continue
        version = next((each["version"] for each in trials if each and each["version"]), "-")
        cells = [_cell(task, each) for each in trials]
        rows.append(f"| {_name(engine)} | {version} | {engine.note} | " + " | ".join(cells) + " |")
    return "\n".join([*rows, ""])


def panels(made: dict[str, Any]) -> list[chart.Panel]:
    """Network time and memory, routing, whole run."""
    return [
        _panel(made, "network", "seconds", "Extract to routable graph", "seconds"),
        _panel(made, "network", "peak_mb", "Extract to routable graph", "peak memory, MB"),
        _panel(
            made, "routing", "ms_all", "From one origin to all nodes", "milliseconds per origin"
        ),
        _panel(made, "whole", "seconds", "Whole run", "seconds, start to end"),
    ]


# --- parts of the page -------------------------------------------------------------------------


def _summary(made: dict[str, Any]) -> str:
    """Our figure beside the notebook's, at every size where both are there."""
    lines = ["## In short\n"]
    for task, peer, what in (
        ("network", "osmnx", "extract to routable graph"),
        ("network", "pyrosm", "extract to routable graph"),
        ("routing", "networkx", "one origin to all nodes"),
        ("whole", "notebook", "whole run"),
    ):
        for size in made["sizes"]:
            ours, theirs = (_trial(made, task, name, size) for name in (OURS[task], peer))
            if not (_is_done(ours) and theirs and theirs["status"] in ("done", "stopped")):
                continue
            mine, other = _value(ours, task), _value(theirs, task)
            unit = "ms" if task == "routing" else "s"
            if theirs["status"] == "stopped":
                lines.append(
                    f"- {size}, {what}: ours {_short(mine)} {unit} and {ours['peak_mb']:,.0f} MB; {peer} was "
                    f"stopped after {theirs['seconds']:.0f} s and {theirs['peak_mb']:,.0f} MB ({theirs['why']})."
                )
                continue
            if other is None or mine is None:
                continue
            told = [f"{_short(value)} {unit}" for value in (mine, other)]
            in_cpu = _times(_cpu_value(theirs, task), _cpu_value(ours, task))
            if task != "routing":
                told = [
                    f"{a} and {b['peak_mb']:,.0f} MB"
                    for a, b in zip(told, (ours, theirs), strict=True)
                ]
            lines.append(
                f"- {size}, {what}: ours {told[0]}; {peer} {told[1]}: "
                f"**{_times(other, mine)}** ({in_cpu} in processor time)."
            )
    return "\n".join([*lines, ""])


def _better(made: dict[str, Any], task: str) -> str:
    """Peers that beat us, at the largest size that both did."""
    faster, smaller, notes = [], [], []
    for engine in ENGINES[task]:
        if engine.name.startswith("ours"):
            continue
        for size in reversed(list(made["sizes"])):
            ours, theirs = (_trial(made, task, name, size) for name in (OURS[task], engine.name))
            if not (_is_done(ours) and _is_done(theirs)):
                continue
            mine, other = _value(ours, task), _value(theirs, task)
            if mine is not None and other is not None and other < mine:
                faster.append(f"{engine.name} ({_times(mine, other)}, {size})")
            if theirs["peak_mb"] < ours["peak_mb"]:
                smaller.append(f"{engine.name} ({theirs['peak_mb']:,.0f} MB, {size})")
            break
    reference = f"`{OURS[task]}`"
    notes.append(f"Faster than {reference}: {', '.join(faster) or 'none'}.")
    notes.append(f"With less memory: {', '.join(smaller) or 'none'}.")
    return " ".join(notes) + "\n"


def _agreement(made: dict[str, Any], task: str) -> str:
    """Whether the results are the same, and what differs."""
    if task == "network":
        return _same_network(made)
    if task == "whole":
        return _same_ends(made)
    if task != "routing":
        rows = [f"- {name}: {told}" for name, told in _facts_at_largest(made, task, "told")]
        return "\n".join(["What each read, at its largest size:\n", *rows, ""]) if rows else ""
    worst: dict[str, float] = {}
    for trial in made["trials"]:
        if trial["task"] == "routing" and trial["status"] == "done":
            found = [v for k, v in trial["facts"].items() if k.startswith("differs_min")]
            worst[trial["engine"]] = max([worst.get(trial["engine"], 0.0), *found])
    exact = [name for name, value in worst.items() if value < 1e-6]
    rest = [
        f"{name} by up to {60 * value:.2g} s"
        if math.isfinite(value)
        else f"{name} reaches other nodes"
        for name, value in worst.items()
        if value >= 1e-6
    ]
    told = f"Times equal scipy's to a microminute, with the same nodes reached: {', '.join(exact)}."
    return told + (f" They differ: {', '.join(rest)}." if rest else "") + "\n"


def _same_network(made: dict[str, Any]) -> str:
    names = ("ways", "road_nodes", "length_km", "graph_nodes", "graph_arcs")
    rows = [
        "| engine | size | ways | road nodes | km | nodes of the graph | arcs |",
        "|---|---|---|---|---|---|---|",
    ]
    for size in made["sizes"]:
        for name in ("ours", "ours, roads alone", "osmnx", "pyrosm"):
            trial = _trial(made, "network", name, size)
            if trial and trial["facts"]:
                cells = [f"{trial['facts'][key]:,}" for key in names]
                rows.append(f"| {name} | {size} | " + " | ".join(cells) + " |")
    if len(rows) == 2:
        return ""
    return "\n".join(
        [
            "What each made. Roads under construction are left out of ways, road nodes and km. Ours leaves out "
            "ways that lie wholly outside of the metro's margin, pyrosm what its filter drops (tracks, "
            "`access=no`). The graphs differ a little because each has its own rules for which nodes stay: we "
            "keep barriers and split junctions with turn restrictions, and do not route on roads that are "
            "closed to cars; osmnx and pyrosm do not know these. Lengths are great-circle ones with the peers, "
            "those of the metro's projection with us.\n",
            *rows,
            "",
        ]
    )


def _same_ends(made: dict[str, Any]) -> str:
    rows = []
    for size in made["sizes"]:
        ours, theirs = (_trial(made, "whole", name, size) for name in ("ours", "notebook"))
        if _is_done(ours) and _is_done(theirs):
            facts = theirs["facts"]
            rows.append(
                f"- {size}: the notebook lists {facts['dead_ends']:,} nodes of degree one within 3 km of a "
                f"border. We examined {ours['facts']['road_ends']:,} ends and told "
                f"{ours['facts']['dead_ends']:,} dead ends and {ours['facts']['missing_links']:,} missing links "
                "apart from the driveways, farm tracks and cul-de-sacs among them."
            )
    return "\n".join([*rows, ""]) if rows else ""


def _growth(made: dict[str, Any]) -> str:
    """Cost against n log n, from 100k nodes on."""
    rows = [
        "| what | from | to | cost grew | n log n grew | fitted exponent | no faster than n log n |",
        "|---|---|---|---|---|---|---|",
    ]
    for task, key, what in (
        ("network", "seconds", "extract to routable graph, seconds"),
        ("network", "cpu_seconds", "the same, processor seconds"),
        ("network", "peak_mb", "the same, memory"),
        ("routing", "ms_all", "one origin to all nodes, milliseconds"),
        ("whole", "seconds", "whole run, seconds"),
        ("whole", "cpu_seconds", "whole run, processor seconds"),
    ):
        points = [p for p in _points(made, task, OURS[task], key) if p[0] >= FROM_NODES]
        if len(points) < 2:
            continue
        (n1, t1), (n2, t2) = points[0], points[-1]
        allowed = n2 * math.log(n2) / (n1 * math.log(n1))
        rows.append(
            f"| {what} | {n1:,} | {n2:,} | {t2 / t1:.1f}-fold | {allowed:.1f}-fold | "
            f"{exponent(points):.2f} | {'yes' if t2 / t1 <= allowed else 'no'} |"
        )
    if len(rows) == 2:
        return ""
    text = (
        "The exponent b of cost = a n^b, by least squares of the logarithms over all sizes shown.\n"
    )
    return "\n".join(["## Growth\n", text, *rows, ""])


def exponent(points: list[tuple[float, float]]) -> float:
    """Slope of log cost over log size."""
    xs, ys = ([math.log(p[n]) for p in points] for n in (0, 1))
    mean_x, mean_y = sum(xs) / len(xs), sum(ys) / len(ys)
    above = sum((x - mean_x) * (y - mean_y) for x, y in zip(xs, ys, strict=True))
    return above / sum((x - mean_x) ** 2 for x in xs)


def _how(made: dict[str, Any]) -> str:
    loads = [sum(each["load"]) / 2 for each in made["trials"] if each["load"]]
    span = f"{min(loads):.1f} to {max(loads):.1f}" if loads else "not noted"
    more = _facts_at_largest(made, "network", "hierarchies_s")
    hierarchies = f", which take {_short(more[0][1])} s more for {more[0][0]}" if more else ""
    return HOW.format(loads=span, hierarchies=hierarchies)


def _machine(made: dict[str, Any]) -> str:
    here = made["machine"]
    dates = sorted({each["date"] for each in made["trials"] if each["date"]})
    days = dates[0] if len(dates) == 1 else f"{dates[0]} to {dates[-1]}" if dates else "-"
    versions = ", ".join(f"{name} {number}" for name, number in made["versions"].items())
    return (
        f"## Machine and versions\n\n{here['processor']}, {here['cores']} cores, {here['memory_gib']} GiB, "
        f"{here['system']}, Python {here['python']}; measured {days}.\n\n{versions}.\n"
    )


# --- single figures ------------------------------------------------------------------------------


def _panel(made: dict[str, Any], task: str, key: str, title: str, unit: str) -> chart.Panel:
    lines, stopped = {}, {}
    for engine in ENGINES[task]:
        points = _points(made, task, engine.name, key)
        if points:
            lines[engine.name] = points
        for size, nodes in made["sizes"].items():
            trial = _trial(made, task, engine.name, size)
            if trial and trial["status"] == "stopped" and trial.get(key):
                stopped.setdefault(engine.name, (nodes, trial[key]))
    return chart.Panel(title, unit, lines, stopped)


def _points(made: dict[str, Any], task: str, engine: str, key: str) -> list[tuple[int, float]]:
    points = []
    for size, nodes in made["sizes"].items():
        trial = _trial(made, task, engine, size)
        if _is_done(trial):
            value = trial[key] if key in trial else trial["facts"].get(key)
            if value:
                points.append((nodes, value))
    return points


def _trial(made: dict[str, Any], task: str, engine: str, size: str) -> dict[str, Any] | None:
    wanted = (task, engine, size)
    return next((x for x in made["trials"] if (x["task"], x["engine"], x["size"]) == wanted), None)


def _is_done(trial: dict[str, Any] | None) -> bool:
    return trial is not None and trial["status"] == "done"


def _value(trial: dict[str, Any], task: str) -> float | None:
    """What a task is judged by."""
    return trial["facts"].get("ms_all") if task == "routing" else trial["seconds"]


def _cpu_value(trial: dict[str, Any], task: str) -> float:
    return trial["facts"]["cpu_ms_all"] if task == "routing" else trial["cpu_seconds"]


def _facts_at_largest(made: dict[str, Any], task: str, key: str) -> list[tuple[str, Any]]:
    found = []
    for engine in ENGINES[task]:
        for size in reversed(list(made["sizes"])):
            trial = _trial(made, task, engine.name, size)
            if _is_done(trial) and key in trial["facts"]:
                found.append((f"{engine.name} ({size})", trial["facts"][key]))
                break
    return found


def _name(engine: Engine) -> str:
    name = f"**{engine.name}**" if engine.name.startswith("ours") else engine.name
    return f"{name} ({engine.by_hand})" if engine.by_hand else name


def _cell(task: str, trial: dict[str, Any] | None) -> str:
    if trial is None:
        return "-"
    if trial["status"] == "absent":
        return "not installed"
    if trial["status"] != "done":
        return f"{trial['status']} after {trial['seconds']:.0f} s, {trial['peak_mb']:,.0f} MB: {trial['why']}"
    memory = f"{trial['peak_mb']:,.0f} MB, load {sum(trial['load']) / 2:.0f}"
    if task != "routing":
        return f"{_short(trial['seconds'])} s ({_short(trial['cpu_seconds'])} s), {memory}"
    facts = trial["facts"]
    cells = [
        f"{_short(facts[key])} ({_short(facts['cpu_' + key])}) ms" if key in facts else "none"
        for key in ("ms_all", "ms_60_min")
    ]
    return f"{' / '.join(cells)}; {_short(trial['steps']['build'])} s, {memory}"


def _short(value: float) -> str:
    """Three digits at most."""
    if value >= 99.5:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 9.95 else f"{value:.2f}"


def _times(slow: float, fast: float) -> str:
    ratio = slow / fast
    if ratio < 1:
        return f"{1 / ratio:.1f} times slower"
    return f"{ratio:.0f} times faster" if ratio >= 10 else f"{ratio:.1f} times faster"
