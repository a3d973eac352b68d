"""Layers on disk: what is written is read back, whole or not at all."""

from __future__ import annotations

import json

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import shapely

from pipeline.crs import WGS84, local_metric_crs
from pipeline.errors import SchemaError, StoreError
from pipeline.flow import store
from pipeline.layers import LAYERS, conform, empty_layer
from pipeline.storage import files
from pipeline.terms import MODES

METRIC = local_metric_crs(113.6, 34.7)
META = {"metro": "x", "source": "pbf", "osm_snapshot": "2026-01-01", "roads_synthetic": "false"}


def counties(n=200, crs=WGS84):
    rng = np.random.default_rng(1)
    x, y = 113 + rng.random(n), 34 + rng.random(n)
    frame = gpd.GeoDataFrame(
        {
            "county_id": [f"c{i}" for i in range(n)],
            "city_id": "a",
            "name": ["中牟县 <b>" if i % 2 else "\U0001f6a7" for i in range(n)],
            "area_km2": rng.random(n),
        },
        geometry=shapely.box(x, y, x + 0.01, y + 0.01),
        crs=WGS84,
    )
    return conform("counties", frame.to_crs(crs))


def test_a_layer_survives_the_disk(tmp_path):
    path = str(tmp_path / "counties.parquet")
    before = counties(crs=METRIC)
    saved = store.write_layer(path, "counties", before, META)
    after = store.read_layer(path, "counties", METRIC)
    assert saved.rows == len(after) == len(before)
    assert saved.digest == files.digest_of(path)
    before = before.set_index("county_id").loc[after["county_id"]]
    np.testing.assert_allclose(
        shapely.get_coordinates(after.geometry), shapely.get_coordinates(before.geometry), atol=1e-6
    )
    assert after["name"].tolist() == before["name"].tolist()
    assert conform("counties", after).dtypes.equals(counties().dtypes)


def test_rows_lie_in_hilbert_order_with_a_covering(tmp_path):
    path = str(tmp_path / "counties.parquet")
    store.write_layer(path, "counties", counties(), META)
    frame = gpd.read_parquet(path)
    distance = frame.hilbert_distance()
    assert distance.is_monotonic_increasing
    some = gpd.read_parquet(path, bbox=(113.0, 34.0, 113.2, 34.2))
    assert 0 < len(some) < len(frame)
    assert store.read_metadata(path)["roads_synthetic"] == "false"
    geo = json.loads(pq.read_schema(path).metadata[b"geo"])
    assert geo["version"] == "1.1.0"
    assert geo["columns"]["geometry"]["covering"]["bbox"]["xmin"] == ["bbox", "xmin"]


def test_the_same_frame_gives_the_same_bytes_whatever_its_order(tmp_path):
    frame = counties()
    one = store.write_layer(str(tmp_path / "a.parquet"), "counties", frame, META)
    shuffled = frame.sample(frac=1, random_state=3).reset_index(drop=True)
    two = store.write_layer(str(tmp_path / "b.parquet"), "counties", shuffled, META)
    assert one.digest == two.digest


@pytest.mark.parametrize("name", [n for n, layer in LAYERS.items() if layer.kind != "arrays"])
def test_empty_layers_survive(tmp_path, name):
    path = str(tmp_path / f"{name}.parquet")
    empty = conform(name, empty_layer(name, METRIC))
    store.write_layer(path, name, empty, META)
    after = conform(name, store.read_layer(path, name, METRIC))
    assert len(after) == 0
    assert list(after.columns) == list(empty.columns)


def test_nulls_lists_and_categories_survive(tmp_path):
    path = str(tmp_path / "t.parquet")
    routes = pd.DataFrame(
        {
            "route_id": [1, 2],
            "mode": ["bus", "train"],
            "name": [None, "x"],
            "ref": ["1", None],
            "headway_min": [np.nan, 5.0],
            "stop_ids": [[1, 2, 3], []],
        }
    )
    routes = conform("transit_routes", routes)
    store.write_layer(path, "transit_routes", routes, META)
    after = store.read_layer(path, "transit_routes")
    assert after["stop_ids"].tolist() == [[1, 2, 3], []]
    assert after["name"].isna().tolist() == [True, False]
    times = pd.DataFrame(
        {"from_cell": ["a"], "to_cell": ["b"], "mode": ["drive"], "minutes": [1.5]}
    ).astype(
        {"from_cell": pd.CategoricalDtype(["a", "b"]), "to_cell": pd.CategoricalDtype(["a", "b"])}
    )
    folder = tmp_path / "travel_times"
    folder.mkdir()
    for number in range(2):
        frame = conform("travel_times", times)
        store.write_layer(str(folder / f"part-{number}.parquet"), "travel_times", frame, META)
    after = store.read_layer(str(folder), "travel_times")
    assert isinstance(after["from_cell"].dtype, pd.CategoricalDtype)
    assert after["from_cell"].tolist() == ["a", "a"]


def test_missing_and_damaged_layers_are_named(tmp_path):
    with pytest.raises(StoreError, match="missing"):
        store.read_layer(str(tmp_path / "no.parquet"), "counties")
    path = tmp_path / "bad.parquet"
    path.write_bytes(b"PAR1 this is no parquet")
    with pytest.raises(StoreError, match="not a readable Parquet"):
        store.read_layer(str(path), "counties")


def test_conform_gathers_every_fault():
    frame = counties(3)
    frame.loc[0, "county_id"] = frame.loc[1, "county_id"]
    with pytest.raises(SchemaError, match="not unique"):
        conform("counties", frame)
    bad = counties(3)
    bad.loc[0, "area_km2"] = np.inf
    bad["city_id"] = [None, "a", "a"]
    with pytest.raises(SchemaError, match=r"city_id: 1 nulls.*area_km2: infinite"):
        conform("counties", bad)
    with pytest.raises(SchemaError, match="missing columns area_km2"):
        conform("counties", counties(3).drop(columns="area_km2"))
    points = counties(3)
    points["geometry"] = shapely.centroid(points.geometry.to_numpy())
    with pytest.raises(SchemaError, match="Point"):
        conform("counties", points)


def test_nothing_stays_when_a_write_fails(tmp_path):
    target = tmp_path / "folder"
    target.mkdir()
    with pytest.raises(StoreError, match="cannot be written"):
        files.write_bytes(str(target), b"x")
    assert [each.name for each in tmp_path.iterdir()] == ["folder"]


def test_folders_appear_at_once_and_arrays_are_mapped(tmp_path):
    path = str(tmp_path / "net")
    store.write_arrays(path, {"a": np.arange(5), "b": np.array(["x"])})
    saved = store.write_arrays(path, {"a": np.arange(7)})
    arrays = store.read_arrays(path)
    assert list(arrays) == ["a"]
    assert isinstance(arrays["a"], np.memmap)
    assert saved.digest == files.digest_of(path)
    assert [each.name for each in tmp_path.iterdir()] == ["net"]


def test_what_is_read_is_what_was_recorded(tmp_path):
    """Truncated, appended to, another layer's, a part more or less: the digest tells."""
    path = tmp_path / "counties.parquet"
    saved = store.write_layer(str(path), "counties", counties(), META)
    assert len(store.read_layer(str(path), "counties", None, saved.digest)) == 200
    whole = path.read_bytes()
    other = store.write_layer(str(tmp_path / "b.parquet"), "counties", counties(7), META)
    for damage in (whole[:-1], whole + b"x", (tmp_path / "b.parquet").read_bytes(), b""):
        path.write_bytes(damage)
        with pytest.raises(StoreError, match="not what its run recorded"):
            store.read_layer(str(path), "counties", None, saved.digest)
    assert len(store.read_layer(str(path.with_name("b.parquet")), "counties", None, other.digest))
    folder = str(tmp_path / "net")
    made = store.write_arrays(folder, {"a": np.arange(5), "b": np.arange(3)})
    assert list(store.read_arrays(folder, made.digest)) == ["a", "b"]
    (tmp_path / "net" / "a.npy").write_bytes((tmp_path / "net" / "b.npy").read_bytes())
    with pytest.raises(StoreError, match="not what its run recorded"):
        store.read_arrays(folder, made.digest)


def test_parts_with_other_categories_are_one_frame(tmp_path):
    """Each part's categories are its own; nulls and empty parts come back as they were."""
    rng = np.random.default_rng(0)
    cells = np.array([f"c{number:05d}" for number in range(300)])
    parts = []
    for number, (first, count) in enumerate([(0, 50), (200, 80), (0, 0), (40, 120)]):
        origin, destination = (rng.integers(first, first + 100, count) for _ in range(2))
        part = pd.DataFrame(
            {
                "from_cell": pd.Categorical(cells[origin], categories=cells),
                "to_cell": pd.Categorical(cells[destination], categories=cells[::-1]),
                "mode": pd.Categorical(rng.choice(["drive", "drive_peak"], count), list(MODES)),
                "minutes": rng.random(count).astype(np.float32),
            }
        )
        parts.append(part)
        path = tmp_path / "travel_times" / f"part-{number}.parquet"
        store.write_layer(str(path), "travel_times", part, {})
    found = store.read_layer(str(tmp_path / "travel_times"), "travel_times")
    expected = pd.concat(
        [part.astype({"from_cell": "str", "to_cell": "str", "mode": "str"}) for part in parts],
        ignore_index=True,
    )
    assert found["from_cell"].cat.codes.dtype == np.int16
    pd.testing.assert_frame_equal(
        found.astype({"from_cell": "str", "to_cell": "str", "mode": "str"}), expected
    )


def written_by_others(path, change):
    """A layer with the digest that a manifest of the same hand records."""
    store.write_layer(str(path), "counties", counties(), META)
    pq.write_table(change(pq.read_table(path)), path)
    return files.digest_of(str(path))


ODD = {
    "no geometry": lambda table: table.drop(["geometry"]),
    "no shapes": lambda table: table.set_column(
        table.column_names.index("geometry"), "geometry", pa.array([b"\x01\xff"] * len(table))
    ),
    "numbers for shapes": lambda table: table.set_column(
        table.column_names.index("geometry"), "geometry", pa.array(range(len(table)))
    ),
    "more rows than bytes": lambda table: pa.table({"x": np.zeros(20_000_000)}),
    "metadata that is no text": lambda table: table.replace_schema_metadata(
        {store.METADATA_PREFIX.encode() + b"metro": b"\xff\xfe"}
    ),
}


@pytest.mark.parametrize("change", ODD.values(), ids=ODD)
def test_what_others_recorded_and_is_no_layer_is_one_clear_error(tmp_path, change):
    path = tmp_path / "counties.parquet"
    found = written_by_others(path, change)
    with pytest.raises(StoreError, match="not a readable Parquet file of its kind"):
        store.read_metadata(str(path))
        store.read_layer(str(path), "counties", METRIC, found)


def test_arrays_of_others_that_are_none_are_one_clear_error(tmp_path):
    (tmp_path / "net").mkdir()
    for content in (b"\x93NUMPY", b"", b"\x93NUMPY\x01\x00\x10\x00{'descr': nonsense"):
        (tmp_path / "net" / "a.npy").write_bytes(content)
        with pytest.raises(StoreError, match="holds what is no array"):
            store.read_arrays(str(tmp_path / "net"))
