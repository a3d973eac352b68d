"""What was measured, kept as JSON: on which machine, with which versions, when.

What belongs here: reading, merging and writing the record. A trial replaces the earlier one of
the same task, engine and size; another machine starts a new record.
"""

from __future__ import annotations

import json
import os
import platform
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psutil

FORMAT = 1
LIBRARIES = (
    "metro-integration",
    "dask",
    "distributed",
    "geopandas",
    "networkx",
    "numba",
    "numpy",
    "osmium",
    "osmnx",
    "pandas",
    "pyarrow",
    "pyogrio",
    "scipy",
    "shapely",
)


def machine() -> dict[str, Any]:
    """Cores, memory, processor and system; no name that would tell whose machine it is."""
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        lines = cpuinfo.read_text(encoding="utf-8").splitlines()
        model = next((x.split(":")[1].strip() for x in lines if x.startswith("model name")), model)
    return {
        "processor": model,
        "cores": os.cpu_count(),
        "memory_gib": round(psutil.virtual_memory().total / 2**30),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
    }


def read(path: Path) -> dict[str, Any]:
    """The record at a path; an empty one where there is none yet."""
    if not path.exists():
        return {
            "format": FORMAT,
            "machine": machine(),
            "versions": {},
            "sizes": {},
            "trials": [],
        }
    record = json.loads(path.read_text(encoding="utf-8"))
    if record.get("format") != FORMAT:
        raise ValueError(f"{path.name} has format {record.get('format')}, expected {FORMAT}")
    return record


def merge(record: dict[str, Any], sizes: dict[str, int], trials: list[dict]) -> dict[str, Any]:
    """The record with these trials, on this machine; sizes are road nodes by label."""
    here = machine()
    old = record["trials"] if record["machine"] == here else []
    known = record["sizes"] if record["machine"] == here else {}
    made = {_key(each): each for each in [*old, *trials]}
    sizes = known | sizes
    return {
        "format": FORMAT,
        "machine": here,
        "versions": {name: version(name) for name in LIBRARIES},
        "sizes": dict(sorted(sizes.items(), key=lambda each: each[1])),
        "trials": [made[key] for key in sorted(made)],
    }


def write(path: Path, record: dict[str, Any]) -> None:
    """Write the record, whole or not at all."""
    partial = path.with_name("partial-" + path.name)
    text = json.dumps(record, indent=1, ensure_ascii=False, allow_nan=False)
    partial.write_text(text + "\n", encoding="utf-8")
    partial.rename(path)


def _key(trial: dict) -> tuple[str, str, str]:
    return trial["task"], trial["size"], trial["engine"]
