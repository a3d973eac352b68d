"""Whether two runs made the same layers, byte for byte: every layer, part and array by SHA-256.

    python benchmarks/same_bytes.py DATA_A DATA_B

Two data folders of the same metros, as two versions of the code made them. Prints each file that
differs or stands on one side alone, and a count; ends with 1 where any does. Without folders it runs
a small sample twice, with one worker and with none, and compares these.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

COMPARED = (".parquet", ".npy", ".pbf")


def digests(data: Path) -> dict[str, str]:
    """SHA-256 of every layer, part, array and made extract below a data folder, by its place."""
    return {
        path.relative_to(data).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(data.rglob("*"))
        if path.suffix in COMPARED and path.is_file()
    }


def differences(one: dict[str, str], other: dict[str, str]) -> list[str]:
    """A line per file that is not the same on both sides."""
    return [
        f"{name}: {'differs' if name in one and name in other else _missing(name, one)}"
        for name in sorted(one | other)
        if one.get(name) != other.get(name)
    ]


def _missing(name: str, one: dict[str, str]) -> str:
    return "only in the first" if name in one else "only in the second"


def main(arguments: Sequence[str]) -> int:
    """Compare two folders, or two runs of a small sample; 1 where they differ."""
    with tempfile.TemporaryDirectory() as folder:
        pair = [Path(each) for each in arguments] or _two_runs(Path(folder))
        one, other = (digests(each) for each in pair)
    for line in differences(one, other):
        print(line)
    count = len(differences(one, other))
    print(f"{len(one)} and {len(other)} files, {count} differ")
    return int(count > 0 or not one)


def _two_runs(folder: Path) -> list[Path]:
    run = [sys.executable, "-m", "pipeline"]
    sample = [*run, "sample", "--nodes", "8000", "--set", "scope=1+4", "--out", "small.osm.pbf"]
    subprocess.run(sample, cwd=folder, check=True)
    for workers in ("0", "1"):
        common = ["--osm", "small.osm.pbf", "--set", "scope=1+4", "--quiet"]
        where = ["--workers", workers, "--data", f"data-{workers}", "--maps", f"maps-{workers}"]
        subprocess.run([*run, "run", "zhengzhou", *common, *where], cwd=folder, check=True)
    return [folder / f"data-{workers}" for workers in ("0", "1")]


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
