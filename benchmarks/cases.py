"""Small inputs for faults that people have reported of routers, checkers and GIS tools: run and judged.

    python benchmarks/cases.py ../shared/cases
    python benchmarks/cases.py ../shared/cases --only gtfs --only tags

The folder is no part of the project; its README says of every input what is right. Each
input goes through a real run of the pipeline in a temporary folder, up to the stage that shows
the answer, and each of its rows is judged by the layers, the exit code and what was printed:
input, expected, found, right or wrong.

What belongs here: which run shows which row, and the judgement. Nothing is mended or guessed
here; where the folder's README leaves a choice ("read, or an error that names the cause"), either
is right, and "found" says which it was.
"""

from __future__ import annotations

import argparse
import functools
import json
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import pandas as pd
from cases_judge import TAGS_ATTRIBUTES, lanes_and_speed, metres_between, metres_by_turn
from cases_whole import dwell_feed, dwell_judge, whole_worlds

SIDE_BY_SIDE = 2
"""Runs at once: each takes a core."""
LIMIT_S = 1200.0


@dataclass(frozen=True)
class Row:
    """One line of the result."""

    name: str
    expected: str
    found: str
    is_right: bool
    choice: str = ""
    """Where the docs argue for what was found against what was expected."""

    def __str__(self) -> str:
        verdict = "right" if self.is_right else "WRONG"
        if self.choice and not self.is_right:
            return f"choice {self.name} | expected: {self.expected} | found: {self.found} | {self.choice}"
        return f"{verdict}  {self.name} | expected: {self.expected} | found: {self.found}"


@dataclass(frozen=True)
class Outcome:
    """What a run left: exit code, printed text, and the folder of its layers."""

    code: int
    text: str
    folder: Path

    @functools.cached_property
    def errors(self) -> str:
        """The lines that name errors."""
        lines = [line for line in self.text.splitlines() if line.startswith("error")]
        return " / ".join(lines)

    @functools.cached_property
    def told(self) -> str:
        """Errors, notes and warnings: all that a user is to read, without the progress."""
        progress = re.compile(
            r"^\s*\w+: (done|not yet made|skipped|[\d,]+ of)|^Case \(|^source:|^[\w-]+: \d+ stages? ran"
        )
        return "\n".join(line for line in self.text.splitlines() if not progress.match(line))

    def layer(self, name: str) -> pd.DataFrame:
        """A layer as it was written; degrees."""
        path = self.folder / f"{name}.parquet"
        try:
            return gpd.read_parquet(path)
        except ValueError:
            return pd.read_parquet(path)

    def says(self, *patterns: str) -> str | None:
        """The first line told that matches one of the patterns, in any case."""
        for line in self.told.splitlines():
            if any(re.search(each, line, re.IGNORECASE) for each in patterns):
                return line.strip()[:160]
        return None


@dataclass(frozen=True)
class Case:
    """One run: its name, the metro file, what goes beside it, and how its rows are judged."""

    name: str
    toml: str
    until: tuple[str, ...]
    judge: Callable[[Outcome], Iterable[Row]]
    source: str = "pbf"
    files: dict[str, bytes] | None = None

    def rows(self, folder: Path) -> list[Row]:
        """Run it in a folder that holds copies of the inputs."""
        outcome = self.run(folder)
        if "Traceback" in outcome.text:
            return [Row(self.name, "no traceback", outcome.text.splitlines()[-1][:160], False)]
        try:
            return list(self.judge(outcome))
        except FileNotFoundError as error:
            found = outcome.errors[:200] or f"no layer {Path(str(error.filename or error)).stem}"
            return [Row(self.name, "its layers", found, False)]

    def run(self, folder: Path) -> Outcome:
        """Exit code and text of the command line, as a user would see them."""
        for name, content in (self.files or {}).items():
            (folder / name).write_bytes(content)
        metro = re.sub(r"\W", "-", self.name)
        toml = folder / f"{metro}.toml"
        toml.write_text(f'id = "{metro}"\nname = "Case"\n{self.toml}', encoding="utf-8")
        data = folder / "out" / metro
        command = [sys.executable, "-m", "pipeline", "run", str(toml), "--source", self.source]
        command += ["--data", str(data), "--maps", str(data / "maps"), "--workers", "0"]
        for stage in self.until:
            command += ["--until", stage]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT_S)
        except subprocess.TimeoutExpired:
            return Outcome(-1, f"error: no end within {LIMIT_S:g} s", data)
        layers = data / "processed" / metro
        return Outcome(done.returncode, done.stdout + done.stderr, layers)


def main() -> int:
    """Run what is asked for, print each row, then the counts; 1 where any row is wrong."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", action="append", default=[], help="cases whose name holds this")
    parser.add_argument("--wrong", action="store_true", help="print only what is wrong")
    asked = parser.parse_args()
    rows = []
    for row in run_cases(asked.folder, tuple(asked.only)):
        rows.append(row)
        if not (asked.wrong and row.is_right):
            print(row, flush=True)
    right = sum(row.is_right for row in rows)
    argued = sum(bool(row.choice) and not row.is_right for row in rows)
    print(f"{right} of {len(rows)} rows right, {argued} argued as a choice")
    return int(right + argued < len(rows))


def run_cases(folder: Path, only: tuple[str, ...] = ()) -> Iterator[Row]:
    """Rows of the cases whose names hold one of ``only`` (all where none is given), in order."""
    cases = [case for case in all_cases(folder) if not only or any(o in case.name for o in only)]
    with tempfile.TemporaryDirectory(prefix="cases-") as made:
        work = Path(made) / "inputs"
        shutil.copytree(folder, work, copy_function=shutil.copyfile)
        work.chmod(0o755)
        with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
            for rows in pool.map(lambda case: case.rows(work), cases):
                yield from rows


def all_cases(folder: Path) -> list[Case]:
    """Every row of the folder's README, in its order."""
    return [
        *_road_cases(folder),
        *_boundary_cases(),
        *_osm_file_cases(),
        *_gtfs_cases(),
        *_vector_cases(),
        *_raster_cases(),
        *_whole_cases(folder),
    ]


def _osm(file: str) -> str:
    return f'[boundaries]\nsource = "osm"\nadmin_level = 8\n[osm]\nfiles = ["{file}"]\n'


def _judged(
    name: str, expected: str, judge: Callable[[Outcome], tuple[str, bool]]
) -> Callable[[Outcome], list[Row]]:
    """The judge of a case that has one row."""
    return lambda got: [Row(name, expected, *judge(got))]


# --------------------------------------------------------------------------- whole runs


def _whole_cases(folder: Path) -> list[Case]:
    """The README's outcomes that need a whole run."""
    cases = [
        Case(
            f"whole-{name}",
            _osm(f"{name}.osm.pbf"),
            until,
            _judged(f"whole {name}", expected, judge),
            files={f"{name}.osm.pbf": payload},
        )
        for name, (payload, until, expected, judge) in whole_worlds(folder).items()
    ]
    dwell = Case(
        "whole-dwell",
        _osm("sea.osm.pbf") + '[gtfs]\nfeeds = ["dwell.zip"]\n',
        ("transit",),
        _judged("whole dwell", "five stops with 25 s of dwell: 9.58 min", dwell_judge),
        files={"dwell.zip": dwell_feed()},
    )
    return [*cases, dwell]


# --------------------------------------------------------------------------- roads


def _road_cases(folder: Path) -> list[Case]:
    tags = json.loads((folder / "tags.json").read_text(encoding="utf-8"))
    ends = json.loads((folder / "ends2.json").read_text(encoding="utf-8"))
    return [
        Case("tags", _osm("tags.osm.pbf"), ("routing",), lambda got: _tags_rows(got, tags)),
        Case(
            "ends2",
            _osm("ends2.osm.pbf"),
            ("pairing", "bottlenecks"),
            lambda got: _ends_rows(got, ends),
        ),
        Case("sea", _osm("sea.osm.pbf"), ("pairing",), _sea_rows),
    ]


GADGET_M = 1_400.0
"""From P to Q it is 1,000 m through the gadget, 1,800 m around it."""
TURN_M = 1_200.0
"""From P to S it is 900 m by the turn, 1,900 m around."""
NEAR_M = 300.0
"""By the turn it is so far at most from just before it to just behind it."""

LEAVES_A_CHOICE = {
    "oneway=reversible": {"none", "both"},
    "motor_vehicle=no cond yes": {"both", "none"},
    "tertiary+construction=yes": {"both", "none"},
    "node barrier=yes": {"none", "both"},
    "node access=no no barrier": {"none", "both"},
    "node gate access=permit": {"none", "both"},
}
"""Gadgets of which the list itself says that practice differs."""


def _tags_rows(got: Outcome, tags: dict) -> Iterator[Row]:
    gadgets, turns = tags["gad"], tags["turn"]
    there = [metres_between(got.folder, g["P"], g["Q"]) for g in gadgets]
    back = [metres_between(got.folder, g["Q"], g["P"]) for g in gadgets]
    words = {(True, True): "both", (True, False): "fwd", (False, True): "back"}
    for gadget, ahead_m, back_m in zip(gadgets, there, back, strict=True):
        found = words.get((ahead_m < GADGET_M, back_m < GADGET_M), "none")
        first = gadget["expect"].split()[0].rstrip("?")
        right = LEAVES_A_CHOICE.get(gadget["label"], {first})
        yield Row(f"tags: {gadget['label']}", gadget["expect"], found, found in right)
    for turn in turns:
        yield _turn_row(got, turn)
    via = tags["via"]
    # P and Q are joined beside the crossing street too.
    metres = metres_by_turn(got.folder, via["P"], via["J"], via["K"], via["Q"])
    yield Row("tags: no_u_turn by a way", "banned", f"{metres:.0f} m", metres > NEAR_M)
    yield from _attribute_rows(got, tags["attr"])


def _turn_row(got: Outcome, turn: dict) -> Row:
    expected = turn["expect"]
    legs = {"P>S": ("P", "S"), "P>Q": ("P", "Q"), "Q>S": ("Q", "S")}
    # Where the list asks "?", either answer stands; what it says of a second leg holds too.
    asked = [each for each in re.findall(r"([PQ]>[SQ])[^,]*?(banned|free)", expected)]
    if " and " in expected and len(asked) == 1:
        asked = [(leg, "banned") for leg in re.findall(r"[PQ]>[SQ]", expected)]
    found, right = [], True
    for leg, wanted in asked or [("P>S", "either")]:
        a, b = (turn[each] for each in legs[leg])
        metres = metres_between(got.folder, a, b)
        is_free = metres < TURN_M
        if f"{leg} via J" in expected:
            metres = metres_by_turn(got.folder, a, turn["J"], turn["J"], b)
            is_free = metres < NEAR_M
        found.append(f"{leg} {'free' if is_free else 'banned'} ({metres:.0f} m)")
        if wanted != "either" and not expected.endswith("?"):
            right &= is_free == (wanted == "free")
    return Row(f"tags: turn {turn['label']}", expected, ", ".join(found), right)


def _attribute_rows(got: Outcome, expected: dict[str, list[str]]) -> Iterator[Row]:
    roads = got.layer("roads")
    for number, (label, wanted) in expected.items():
        rows = roads[roads["way_id"] == int(number)]
        found = lanes_and_speed(rows)
        yield Row(f"tags: {label}", wanted, found, TAGS_ATTRIBUTES[int(number)](rows))


# --------------------------------------------------------------------------- ends at the border


ARGUED = {
    "construction date only": (
        "docs/access.md: routers drive no road under construction",
        "degree_one/under_construction",
    ),
    "dup track": ("docs/access.md: one course is one edge", "degree_one/unbuilt"),
}
"""Rows whose answer the docs argue for, and that answer."""


def _ends_rows(got: Outcome, rows: list[dict]) -> Iterator[Row]:
    ends, necks = got.layer("dead_ends"), got.layer("bottlenecks")
    rules = got.layer("end_rules") if (got.folder / "end_rules.parquet").exists() else None
    for row in rows:
        here = ends[ends.geometry.y.sub(49.7 + row["y"] / 110.574).abs() < 0.6 / 110.574]
        neck = necks[necks["name"] == row["label"]]
        if row["label"].startswith("BN"):
            found = ", ".join(neck["kind"].astype(str)) or "none"
            is_wanted = row["expect"] == "bottleneck"
            right = bool(len(neck)) == is_wanted
        else:
            types = here["end_type"].astype(str) + "/" + here["status"].astype(str)
            found = ", ".join(types) or _rules_said(rules, row) or "no finding"
            right = _ends_right(row, here)
        # What is argued for is what is found; anything else stays wrong.
        argued, wanted = ARGUED.get(row["label"], ("", ""))
        choice = argued if set(here["end_type"] + "/" + here["status"]) == {wanted} else ""
        yield Row(f"ends2: {row['label']}", row["expect"], found, right, choice)


def _rules_said(rules: pd.DataFrame | None, row: dict) -> str:
    if rules is None or "node_id" not in rules:
        return ""
    mine = rules[rules["node_id"].isin([row["A"], row["B"]])]
    return "no finding: " + ", ".join(sorted(set(mine["rule"].astype(str)))) if len(mine) else ""


def _ends_right(row: dict, here: pd.DataFrame) -> bool:
    expected, count = row["expect"], len(here)
    linked = here["link_id"].notna().sum()
    if expected in ("debated", "class_end?"):
        return True
    if expected.startswith(("open", "none", "two stray", "pedestrian")):
        return count == 0
    if expected == "mapping gap":
        return count == 0 or set(here["status"]) == {"mapping_gap"}
    if "barrier" in expected or expected == "2 ends":
        return count == 2 and linked == 2 and set(here["end_type"]) == {"barrier_end"}
    if expected == "class end":
        return count == 2 and "class_end" in set(here["end_type"])
    return count == 2 and "degree_one" in set(here["end_type"])


WATER_ROWS = ("sea 8", "sea 14", "sea 20", "bay", "water")


def _sea_rows(got: Outcome) -> Iterator[Row]:
    ends = got.layer("dead_ends")
    for name in WATER_ROWS:
        mine = ends[ends["name"] == name]
        found = ", ".join(sorted(set(mine["obstacle"].astype(str) + "/" + mine["status"])))
        right = bool(len(mine)) and set(mine["obstacle"]) == {"water"}
        # The plain pond is the control: an obstacle of a kilometre or less, no wide water.
        right &= name == "water" or set(mine["status"]) == {"natural_barrier"}
        yield Row(f"sea: {name}", "water/natural_barrier", found or "no finding", right)


# --------------------------------------------------------------------------- boundaries


def _boundary_cases() -> list[Case]:
    judges: dict[str, tuple[tuple[str, ...], Callable[[Outcome], Row]]] = {
        "b_gap30": (
            ("borders",),
            lambda got: _length_row(got, "b_gap30", 14.0, r"apart|gap|sliver"),
        ),
        "b_duprel": (
            ("borders",),
            lambda got: _told_row(got, "b_duprel", "told", r"r2\b.* area of .*r1\b.* left out"),
        ),
        "b_nameen": (("borders",), _names_row),
        "b_closedway": (
            ("borders",),
            lambda got: _length_row(got, "b_closedway", 14.0, r"closed way"),
        ),
        "b_bowtie": (("borders",), _bowtie_row),
        "b_maritime": (("borders",), _maritime_row),
        "b_antimer": (("borders",), lambda got: _length_row(got, "b_antimer", 14.0)),
    }
    return [
        Case(name, _osm(f"{name}.osm.pbf"), until, lambda got, judge=judge: [judge(got)])
        for name, (until, judge) in judges.items()
    ]


def _length_row(got: Outcome, name: str, km: float, told: str | None = None) -> Row:
    expected = f"a border of {km:g} km" + (", or told" if told else "")
    line = got.says(told) if told else None
    if got.code:
        return Row(name, expected, got.errors[:200], line is not None)
    found = float(got.layer("borders")["length_km"].sum())
    text = f"{found:.1f} km" + (f"; {line}" if line else "")
    return Row(name, expected, text, abs(found - km) < 0.05 * km or line is not None)


def _told_row(got: Outcome, name: str, expected: str, *patterns: str) -> Row:
    line = got.says(*patterns)
    return Row(name, expected, line or got.errors[:160] or "nothing told", line is not None)


def _names_row(got: Outcome) -> Row:
    cities = got.layer("cities")
    found = sorted(cities["name"].astype(str))
    right = {"Aville", "乙市"} == set(found)
    return Row("b_nameen", "Aville, 乙市", ", ".join(found), right)


def _bowtie_row(got: Outcome) -> Row:
    line = got.says(r"cross(es|ing) itself|self-cross|self-intersect|touches itself")
    right = bool(got.code) and line is not None and "reaches beyond" not in got.told
    return Row("b_bowtie", "an error that says so", line or got.errors[:200] or "read", right)


def _maritime_row(got: Outcome) -> Row:
    borders = got.layer("borders")
    named = [each for each in borders.columns if re.search(r"maritime|sea", each)]
    line = got.says(r"maritime|at sea")
    values = {each: borders[each].tolist() for each in named}
    at_sea = any(
        any(abs(float(v) - 22.1) < 1.0 or abs(float(v) - 75.8) < 2.0 for v in found)
        for found in values.values()
    )
    text = str(values) if values else line or "not told apart"
    # The folder's README says 16.5 km; the way tagged maritime=yes in the file has 22.1 km.
    return Row("b_maritime", "22.1 of 29.2 km told apart", text[:160], at_sea)


# --------------------------------------------------------------------------- files of OSM


def _osm_file_cases() -> list[Case]:
    files = {
        "o_hist": ("o_hist.osh.pbf", r"history|several versions"),
        "o_neg": ("o_neg.osm.pbf", r"negative|JOSM|below zero"),
        "o_low": ("o_low.osm.pbf", r"LocationsOnWays|locations on ways"),
        "o_null": ("o_null.osm.pbf", r"0, ?0|null island"),
    }
    return [
        Case(
            name,
            _osm(file),
            ("pairing",),
            lambda got, name=name, cause=cause: [_two_ends_row(got, name, cause)],
        )
        for name, (file, cause) in files.items()
    ]


def _two_ends_row(got: Outcome, name: str, cause: str) -> Row:
    expected = "dead ends E1 and E2, or an error that names the cause"
    if got.code:
        return Row(name, expected, got.errors[:200], bool(re.search(cause, got.errors, re.I)))
    ends = got.layer("dead_ends")
    found = sorted(ends["name"].astype(str) + " " + ends["end_type"].astype(str))
    return Row(name, expected, ", ".join(found) or "none", set(ends["name"]) == {"E1", "E2"})


# --------------------------------------------------------------------------- timetables


def _gtfs_cases() -> list[Case]:
    wanted: dict[str, tuple[str, Callable[[Outcome], tuple[str, bool]]]] = {
        "bl1": ("the last ride of L2 dropped and told", _blank_last),
        "crlf": ("read, or table, column and remedy", lambda got: _read_or_named(got, "route")),
        "gbk": ("read, or table, column and remedy", lambda got: _read_or_named(got, "stop")),
        "hhmm": ("read, or table, column and remedy", lambda got: _read_or_named(got, "_time")),
        "rt500": (
            "read, or table, column and remedy",
            lambda got: _read_or_named(got, "route_type"),
        ),
    }
    return [
        Case(
            f"gtfs-{name}",
            _osm("sea.osm.pbf") + f'[gtfs]\nfeeds = ["{name}.zip"]\n',
            ("transit",),
            _judged(f"gtfs {name}", expected, judge),
        )
        for name, (expected, judge) in wanted.items()
    ]


def _timed(got: Outcome) -> pd.DataFrame:
    links = got.layer("transit_links")
    return links[links["evidence"] == "gtfs"]


def _blank_last(got: Outcome) -> tuple[str, bool]:
    links = _timed(got)
    of_l2 = links[links["line"] == "L2"]
    line = got.says(r"time.*(drop|left out)|(drop|left out).*time")
    right = len(of_l2) == 1 and bool((links["minutes"] > 0).all()) and line is not None
    minutes = ", ".join(f"{each:g}" for each in of_l2["minutes"])
    return f"L2: {len(of_l2)} rides ({minutes} min); {line or 'nothing told'}", right


def _read_or_named(got: Outcome, column: str) -> tuple[str, bool]:
    if got.code:
        names_table = re.search(r"(stops|routes|trips|stop_times)(\.txt)?", got.errors)
        right = bool(names_table) and column in got.errors
        return got.errors[:260], right
    links = got.layer("transit_links")
    timed, proxy = _timed(got), links[links["evidence"] != "gtfs"]
    minutes = sorted(timed["minutes"].round(1).tolist())
    right = minutes == [10.0, 19.0] and proxy.empty
    return f"read: {minutes} min, {len(proxy)} links of the proxy", right


# --------------------------------------------------------------------------- vector files

_COLUMNS = 'columns = {highway = "等级", name = "名称"}\n'


def _vector(roads: str, columns: str = _COLUMNS, boundaries: str = "b.gpkg", more: str = "") -> str:
    return (
        f'[boundaries]\nsource = "file"\npath = "{boundaries}"\nid_field = "adcode"\n'
        f'name_field = "name"\n[vector]\nroads = "{roads}"\n{columns}'
        f'classes = {{"主干路" = "primary", "次干路" = "secondary"}}\n{more}'
    )


def _vector_cases() -> list[Case]:
    # What the file with the truth in it gives: found once, compared with by the others.
    cut = 'columns = {highway = "道路技", name = "名称"}\n'
    runs = {
        "r": (_vector("r.gpkg"), "the control: two ends of the secondary road", _is_control),
        "multi3": (_vector("multi3.gpkg"), "an error that lists the layers", _lists_layers),
        "multi3-layer": (
            _vector("multi3.gpkg", more='layer = "roads_2024"\n'),
            "with the key: as the control",
            _is_control,
        ),
        "duprow": (_vector("duprow.gpkg"), "its dead end stays", _is_control),
        "bow": (
            _vector("r.gpkg", boundaries="bow.gpkg"),
            "told that the polygon loses half its area",
            lambda got: _told_pair(got, r"(loses|lost).*(%|km2|half)|crosses itself.*(%|km2)"),
        ),
        "long": (_vector("long.shp", cut), "read", _is_control),
        "gbkwrong": (_vector("gbkwrong.shp"), "read, or never 'not GBK'", _is_control),
    }
    return [
        Case(
            f"vector-{name}",
            toml,
            ("pairing",),
            _judged(f"vector {name}", expected, judge),
            "vector",
        )
        for name, (toml, expected, judge) in runs.items()
    ]


def _is_control(got: Outcome) -> tuple[str, bool]:
    """As r.gpkg: eight main roads, and one road that stops short of the border."""
    if got.code:
        return got.errors[:260], False
    ends, roads = got.layer("dead_ends"), got.layer("highways")
    found = ", ".join(f"{n} {t}" for n, t in zip(ends["name"], ends["end_type"], strict=True))
    return f"{len(roads)} roads; ends: {found or 'none'}", bool(len(ends)) and len(roads) in (9, 10)


def _lists_layers(got: Outcome) -> tuple[str, bool]:
    right = bool(got.code) and "roads_2010" in got.told and "roads_2024" in got.told
    return got.says("roads_2010") or got.errors[:200] or "read the first layer", right


def _told_pair(got: Outcome, pattern: str) -> tuple[str, bool]:
    line = got.says(pattern)
    return line or got.errors[:200] or "nothing told", line is not None


# --------------------------------------------------------------------------- rasters


def _raster_cases() -> list[Case]:
    # The world of these rasters: two cities of 10 by 13 km with main streets.
    world = _osm("o_neg.osm.pbf")
    return [
        Case(
            "raster-fltmax",
            world + '[population]\nraster = "fltmax_undeclared.tif"\n',
            ("zones",),
            lambda got: [_fill_row(got)],
        ),
        Case(
            "raster-globeland30",
            world + '[land_cover]\nraster = "lc_globeland30.tif"\n',
            ("land_cover",),
            lambda got: [
                Row(
                    "raster lc_globeland30",
                    "not taken for WorldCover in silence",
                    *_told_pair(got, r"globeland30|legend"),
                )
            ],
        ),
    ]


def _fill_row(got: Outcome) -> Row:
    expected = "refused or warned, not 1e42 people"
    if got.code:
        right = bool(re.search(r"fill|no.?data", got.errors, re.I))
        return Row("raster fltmax_undeclared", expected, got.errors[:260], right)
    people = float(got.layer("zone_grid")["population"].sum())
    return Row("raster fltmax_undeclared", expected, f"{people:.3g} people", people < 1e8)


if __name__ == "__main__":
    sys.exit(main())
