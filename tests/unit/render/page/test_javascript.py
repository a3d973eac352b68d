"""The page's JavaScript in Node: decoding against what Python packs, search, numbers, addresses.

The tests themselves stand in tests/js; here they are given what `encode` made, and
the columns of the packed layers are held against their types.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from shapely.geometry import LineString, MultiLineString, MultiPolygon, Point, Polygon

from pipeline.render.page.encode import PRECISION, encode_layer, from_blob, to_blob

ROOT = Path(__file__).parents[4]
FOLDER = ROOT / "tests" / "js"
RENDER = ROOT / "pipeline" / "render"
OLDEST_NODE = (18, 19)
"""Node's loader can be told of modules since then."""


def node() -> str:
    """Path of a Node that can run the tests; skips with the reason where there is none."""
    found = shutil.which("node")
    if found is None:
        pytest.skip("no node is installed")
    version = subprocess.run([found, "--version"], capture_output=True, text=True).stdout.strip()
    if tuple(map(int, version.lstrip("v").split(".")[:2])) < OLDEST_NODE:
        pytest.skip(f"node {version} is too old")
    return found


def example_blob(example: ModuleType) -> str:
    page = example.page(example.layers())["example.html"].decode()
    found = re.search('id="mi-blob">([^<]*)<', page)
    assert found is not None
    return found.group(1)


# --- frames of every form, and what must come back --------------------------------------------


def columns(n: int) -> pd.DataFrame:
    random = np.random.default_rng(11)
    floats = np.round(random.normal(0, 1e4, n), 2)
    return pd.DataFrame(
        {
            "id": [f"r{i}" for i in range(n)],
            "ref": [None if i % 3 == 0 else f"G{i % 4} <b>郑州\u2028" for i in range(n)],
            "share": np.where(np.arange(n) % 4 == 1, np.nan, floats),
            "count": pd.array([None if i % 5 == 2 else i * 1_000_003 for i in range(n)], "Int64"),
            "flag": np.arange(n) % 2 == 0,
        }
    )


def polygons(n: int) -> list[Any]:
    """With a hole, or of two parts, by turns."""
    made: list[Any] = []
    for i in range(n):
        ring = Point(113 + i, 34 - i / 7).buffer(0.4, quad_segs=5)
        hole = Point(113 + i, 34 - i / 7).buffer(0.1, quad_segs=3)
        holed = Polygon(ring.exterior.coords, [hole.exterior.coords])
        far = Point(-100 - i, -60 + i).buffer(0.2, quad_segs=2)
        made.append(MultiPolygon([holed, far]) if i % 2 else holed)
    return made


def lines(n: int) -> list[Any]:
    random = np.random.default_rng(12)
    made: list[Any] = []
    for i in range(n):
        xy = random.uniform((-180, -80), (180, 80), (5 + i, 2))
        made.append(MultiLineString([xy[:2], xy[2:]]) if i % 2 else LineString(xy))
    return made


def frames() -> dict[str, pd.DataFrame]:
    n = 7
    points = [Point(113.6 + i / 3, 34.7 - i / 9) for i in range(n)]
    return {
        "areas": gpd.GeoDataFrame(columns(n), geometry=polygons(n), crs=4326),
        "lines": gpd.GeoDataFrame(columns(n), geometry=lines(n), crs=4326),
        "points": gpd.GeoDataFrame(columns(n), geometry=points, crs=4326),
        "table": columns(40),
        "nothing": gpd.GeoDataFrame(columns(0), geometry=[], crs=4326),
    }


DECIMALS = {"id": None, "ref": None, "share": 2, "count": 0, "flag": None}


def expected(frame: pd.DataFrame) -> dict[str, Any]:
    """Columns and coordinates ([lat, lng] of each part) as they have to come back."""
    found: dict[str, Any] = {"columns": {}}
    for name in DECIMALS:
        values = frame[name].astype(object).where(frame[name].notna(), None).tolist()
        found["columns"][name] = [int(v) if isinstance(v, (bool, np.bool_)) else v for v in values]
    if isinstance(frame, gpd.GeoDataFrame):
        found["kind"] = {"areas": "polygon", "lines": "line"}.get(str(frame.attrs["name"]), "point")
        found["parts"] = [
            [_rounded(part) for part in _parts(geometry)] for geometry in frame.geometry
        ]
    return found


def _parts(geometry: Any) -> list[Any]:
    parts = shapely.get_parts(geometry)
    return list(shapely.get_rings(parts)) if geometry.geom_type.endswith("Polygon") else list(parts)


def _rounded(part: Any) -> list[list[float]]:
    return [
        [round(y * PRECISION) / PRECISION, round(x * PRECISION) / PRECISION] for x, y in part.coords
    ]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, example: ModuleType) -> Callable[[str], None]:
    """Run one file of tests/js with the fixtures; fails with what Node printed."""
    executable = node()
    made = frames()
    for name, frame in made.items():
        frame.attrs["name"] = name
    fixtures = {
        "page": example_blob(example),
        "layers": to_blob({name: encode_layer(each, DECIMALS) for name, each in made.items()}),
        "expected": {name: expected(frame) for name, frame in made.items()},
    }
    path = tmp_path_factory.mktemp("js") / "fixtures.json"
    path.write_text(json.dumps(fixtures, ensure_ascii=False), encoding="utf-8")

    def run_file(name: str) -> None:
        done = subprocess.run(
            [executable, "--import", "./register.js", "--test", "--test-reporter=tap", name],
            cwd=FOLDER,
            env=os.environ | {"PAGE_FIXTURES": str(path)},
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=120,
        )
        counted = re.search(r"^# pass (\d+)$", done.stdout, re.MULTILINE)
        assert done.returncode == 0, done.stdout + done.stderr
        assert counted is not None and int(counted.group(1)) > 0, done.stdout

    return run_file


@pytest.mark.parametrize("name", sorted(path.name for path in FOLDER.glob("*.test.js")))
def test_in_node(run: Callable[[str], None], name: str) -> None:
    run(name)


def test_a_failing_test_fails_here_too(run: Callable[[str], None], tmp_path: Path) -> None:
    path = tmp_path / "wrong.test.js"
    path.write_text('import { test } from "node:test";\ntest("no", () => { throw 1; });\n')
    with pytest.raises(AssertionError, match="not ok"):
        run(str(path))


# --- the types of the layers, against what is packed ---------------------------------------------


def typed_layers() -> dict[str, set[str]]:
    """Columns of each layer, of all the declarations of ``interface Layers``."""
    found: dict[str, set[str]] = {}
    for path in (RENDER / "page" / "js" / "types.d.ts", *RENDER.glob("themes/*/types.d.ts")):
        text = re.sub(r"/\*.*?\*/", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
        declared = re.search(r"interface Layers \{(.*?)^\s*\}$", text, re.DOTALL | re.MULTILINE)
        assert declared is not None, path
        layers = re.findall(r"(\w+): (?:Layer|Table)(?: & \{([^}]*)\})?;", declared.group(1))
        found |= {name: set(re.findall(r"(\w+):", columns)) for name, columns in layers}
    return found


def test_the_types_have_the_layers_and_columns_that_are_packed(example: ModuleType) -> None:
    packed = from_blob(example_blob(example))["layers"]
    typed = typed_layers()
    assert set(typed) == set(packed)
    for name, layer in packed.items():
        assert typed[name] == set(layer["cols"]), name


def test_the_types_have_the_keys_of_the_payload(example: ModuleType) -> None:
    text = (RENDER / "page" / "js" / "types.d.ts").read_text(encoding="utf-8")
    declared = re.search(r"interface Payload \{(.*?)^\}", text, re.DOTALL | re.MULTILINE)
    assert declared is not None
    keys = set(re.findall(r"^  (\w+):", declared.group(1), re.MULTILINE))
    assert keys == set(from_blob(example_blob(example))) - {"layers"}


def test_the_types_have_the_figures_of_the_payload(example: ModuleType) -> None:
    """A figure that a script asks for by a wrong name would stand there as unknown."""
    text = (RENDER / "page" / "js" / "types.d.ts").read_text(encoding="utf-8")
    declared = re.search(r"interface Figures extends CircleFigures \{(.*?)^\}", text, re.S | re.M)
    assert declared is not None
    keys = set(re.findall(r"^  (\w+):", declared.group(1), re.MULTILINE))
    by_mode = re.search(r"`circle_\$\{(.*?)\}_\$\{(.*?)\}_pct`", text)
    assert by_mode is not None
    modes, shares = (re.findall(r'"(\w+)"', each) for each in by_mode.groups())
    keys |= {f"circle_{mode}_{share}_pct" for mode in modes for share in shares}
    assert keys == set(from_blob(example_blob(example))["figures"])
