"""Exports are opened with the programs they are for, or their readers."""

from __future__ import annotations

import csv
import json
import shutil
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path
from xml.etree import ElementTree

import geopandas as gpd
import numpy as np
import openpyxl
import osmnx
import pandas as pd
import pyogrio
import pyproj
import pytest
import shapely

from pipeline import cli
from pipeline.crs import WGS84
from pipeline.errors import ConfigError, StoreError
from pipeline.exports.export import export
from pipeline.exports.gpkg import qml_of
from pipeline.flow import store
from pipeline.layers import LAYERS, RESULT_LAYERS, conform, dictionary, empty_layer
from pipeline.measures.border_roads.layers import STATUSES
from pipeline.storage import files
from pipeline.storage.paths import Paths

HOSTILE = [
    '=HYPERLINK("http://x")',
    "+1",
    "-1+1",
    "@SUM(A1)",
    "\t=1",
    "中牟县 <b>&\"'",
    "🚧 断头路",
    "普通路",
    "a,b\n二",
    "'='",
]
META = {
    "metro": "town",
    "source": "sample",
    "osm_snapshot": "2026-01-01",
    "roads_synthetic": "true",
    "licence": "ODbL",
}


def _frame(layer, columns, geometry):
    """A frame of a layer: what is not given is filled with something legal."""
    rows = len(geometry)
    filled = {}
    for column in LAYERS[layer].columns:
        if column.name in columns:
            filled[column.name] = columns[column.name]
        elif column.nullable:
            filled[column.name] = [None] * rows
        elif allowed := column.values:  # noqa: PD011
            filled[column.name] = [allowed[0]] * rows
        else:
            value = {"str": "x", "bool": False, "float": 1.5}.get(column.dtype, 7)
            filled[column.name] = [value] * rows
    frame = gpd.GeoDataFrame(filled, geometry=geometry, crs=WGS84)
    return conform(layer, frame)


def layers():
    points = shapely.points(np.column_stack([113 + np.arange(10) / 10, np.full(10, 34.5)]))
    ends = {
        "dead_end_id": [f"a-b/{n}" for n in range(10)],
        "name": HOSTILE,
        "node_id": [2**53 + 1, -5, *range(8)],
        "heading_deg": [-1.0] * 10,
    }
    area = shapely.box([113, 114], 34, [114, 115], 35)
    line = shapely.linestrings(
        [[[113, 34], [113, 34.1]], [[113, 34.1], [113.1, 34.1]], [[113.1, 34.1], [113, 34]]]
    )
    roads = {
        "edge_id": ["1/1/2", "2/2/3", "3/3/1"],
        "from_node": [1, 2, 3],
        "to_node": [2, 3, 1],
        "way_id": [1, 2, 3],
        "highway": ["primary"] * 3,
        "status": ["open", "open", "proposed"],
        "is_oneway": [False, True, False],
        "length_m": [11_000.0, 9_000.0, 14_000.0],
        "speed_kmh": [60.0] * 3,
        "name": ["郑开大道", None, None],
    }
    nodes = shapely.points([[113, 34], [113, 34.1], [113.1, 34.1]])
    return {
        "cities": _frame("cities", {"city_id": ["a", "b"], "name": ["郑州市", "开封市"]}, area),
        "dead_ends": _frame("dead_ends", ends, points),
        "conflicts": empty_layer("conflicts", WGS84),
        "roads": _frame("roads", roads, line),
        "road_nodes": _frame("road_nodes", {"node_id": [1, 2, 3]}, nodes),
        "landscape_metrics": conform(
            "landscape_metrics",
            pd.DataFrame(
                {
                    "border_id": ["a-b"],
                    "city_id": [None],
                    "metric": ["iic"],
                    "value": [None],
                    "unit": ["-"],
                }
            ),
        ),
    }


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A finished metro of two cities, by hand."""
    root = tmp_path_factory.mktemp("town")
    paths = Paths.of(str(root), str(root))
    outputs = {}
    for name, frame in layers().items():
        outputs[name] = vars(store.write_layer(paths.layer("town", name), name, frame, META))
    times = pd.DataFrame(
        {
            "from_cell": ["甲", "甲"],
            "to_cell": ["甲", "乙"],
            "mode": ["drive"] * 2,
            "minutes": [0.5, 7.0],
        }
    )
    for number in range(2):
        part = f"{paths.layer('town', 'travel_times', True)}/part-{number:05d}.parquet"
        store.write_layer(part, "travel_times", conform("travel_times", times), META)
    whole = files.digest_of(paths.layer("town", "travel_times", True))
    outputs["travel_times"] = {"digest": whole, "rows": 4, "bytes": 0}
    facts = {
        "format": 1,
        "stages": {"by hand": {"recipe": {}, "outputs": outputs}},
        "facts": {"centre": [113.6, 34.7]},
        "metro": {"name": "小镇"},
    }
    store.write_json(paths.manifest("town"), facts)
    return paths


@pytest.fixture(scope="module")
def gpkg(folder):
    return export("town", folder, "gpkg", layers=["all"])


def test_gpkg_holds_every_layer_with_its_geometry_and_rows(gpkg, folder):
    expected = {
        "cities": "MultiPolygon",
        "dead_ends": "Point",
        "conflicts": "LineString",
        "roads": "LineString",
        "road_nodes": "Point",
        "landscape_metrics": None,
        "travel_times": None,
        "about": None,
    }
    found = {name: kind for name, kind in pyogrio.list_layers(gpkg.path) if name != "layer_styles"}
    assert found == expected
    for name, frame in layers().items():
        back = pyogrio.read_dataframe(gpkg.path, layer=name)
        assert len(back) == len(frame) == gpkg.rows[name]
        assert set(LAYERS[name].names) <= set(back.columns)
    assert len(pyogrio.read_dataframe(gpkg.path, layer="travel_times")) == 4


def test_gpkg_keeps_text_ids_nulls_and_places(gpkg):
    back = pyogrio.read_dataframe(gpkg.path, layer="dead_ends").set_index("dead_end_id")
    given = layers()["dead_ends"].set_index("dead_end_id").loc[back.index]
    assert back["name"].tolist() == given["name"].tolist()
    assert back["node_id"].tolist() == given["node_id"].tolist()
    assert back["ref"].isna().all()
    assert back.crs == WGS84
    assert shapely.equals_exact(back.geometry, given.geometry, 1e-9).all()


def test_gpkg_titles_columns_in_chinese_and_says_synthetic(gpkg):
    with closing(sqlite3.connect(gpkg.path)) as database:
        titles = dict(
            database.execute(
                "SELECT column_name, title FROM gpkg_data_columns WHERE table_name = 'dead_ends'"
            )
        )
        told = dict(database.execute("SELECT table_name, description FROM gpkg_contents"))
        styled = {row[0] for row in database.execute("SELECT f_table_name FROM layer_styles")}
    assert titles["distance_to_border_m"] == "距边界（米）"
    assert set(titles) == set(LAYERS["dead_ends"].names)
    assert "SYNTHETIC" in told["roads"]
    assert {"dead_ends", "roads", "cities"} <= styled
    about = pyogrio.read_dataframe(gpkg.path, layer="about")
    assert about["text"].str.contains("SYNTHETIC").any()


def test_styles_are_well_formed_and_name_every_status():
    for layer in RESULT_LAYERS:
        text = qml_of(layer)
        if text is not None:
            ElementTree.fromstring(text.split("\n", 1)[1])
    values = set(ElementTree.fromstring(qml_of("missing_links").split("\n", 1)[1]).iter("category"))
    assert {each.get("value") for each in values} == set(STATUSES)


@pytest.mark.parametrize(
    ("text", "code"),
    [("EPSG:4490", 4490), ("cgcs2000", 4547), ("EPSG:4526", 4526)],
)
def test_coordinates_follow_the_crs_asked_for(folder, tmp_path, text, code):
    done = export("town", folder, "gpkg", text, ["cities"], str(tmp_path / "x.gpkg"))
    back = pyogrio.read_dataframe(done.path, layer="cities")
    assert back.crs.to_epsg() == code
    # Easting first, as every GIS reads a GeoPackage, whatever order the authority names.
    expected = pyproj.Transformer.from_crs(4326, code, always_xy=True).transform_bounds(
        *layers()["cities"].total_bounds
    )
    assert np.allclose(back.total_bounds, expected, atol=2e-3 if code == 4490 else 300)


@pytest.fixture(scope="module")
def workbook(folder):
    done = export("town", folder, "xlsx", layers=["all"])
    return done, openpyxl.load_workbook(done.path)


def test_a_geopackage_leaves_out_times_unless_asked(folder, tmp_path):
    done = export("town", folder, "gpkg", out=str(tmp_path / "small.gpkg"))
    assert "travel_times" not in done.rows
    assert "travel_times" not in {name for name, _ in pyogrio.list_layers(done.path)}
    assert "dead_ends" in done.rows


def test_the_planners_workbook_has_six_sheets_in_words(folder, tmp_path):
    done = export("town", folder, "xlsx", out=str(tmp_path / "plan.xlsx"))
    book = openpyxl.load_workbook(done.path)
    assert len(book.sheetnames) == 6
    assert list(done.rows) == ["summary", "projects", "borders", "cities", "indicators", "notes"]
    assert any(
        "SYNTHETIC" in str(cell.value)
        for row in book[book.sheetnames[-1]].iter_rows()
        for cell in row
    )
    for sheet in book:
        assert all(cell.data_type != "f" for row in sheet.iter_rows() for cell in row)
        assert "Roads are synthetic" in sheet["A1"].value, "each sheet may be passed on alone"
        assert sheet["A2"].value, "headings below it"


def test_xlsx_has_a_sheet_per_table_with_chinese_headings(workbook):
    done, book = workbook
    assert book.sheetnames == ["说明", "城市", "道路", "道路节点", "断头路", "用地冲突", "景观指标"]
    headings = [cell.value for cell in book["断头路"][1]]
    assert headings[:2] == ["断头路编号", "边界编号"]
    assert headings[-2:] == ["经度", "纬度"]
    assert book["断头路"].max_row == 11
    assert book["用地冲突"].max_row == 1
    assert any("travel_times" in note for note in done.notes)


def test_xlsx_has_no_formula_and_keeps_text(workbook):
    _, book = workbook
    for sheet in book:
        assert all(cell.data_type != "f" for row in sheet.iter_rows() for cell in row)
        assert all(cell.hyperlink is None for row in sheet.iter_rows() for cell in row)
    column = [cell.value for cell in book["断头路"][1]].index("名称")
    names = {row[column].value for row in book["断头路"].iter_rows(min_row=2)}
    assert names == set(HOSTILE)


def test_xlsx_keeps_long_ids_numbers_and_nulls(workbook):
    _, book = workbook
    sheet = book["断头路"]
    heading = [cell.value for cell in sheet[1]]
    ids = {str(row[heading.index("节点编号")].value) for row in sheet.iter_rows(min_row=2)}
    assert ids == {str(n) for n in layers()["dead_ends"]["node_id"]}
    assert all(
        row[heading.index("方位角（度）")].value == -1.0 for row in sheet.iter_rows(min_row=2)
    )
    assert all(row[heading.index("道路编号")].value is None for row in sheet.iter_rows(min_row=2))


def test_xlsx_explains_every_column(workbook):
    _, book = workbook
    told = {(row[1].value, row[3].value) for row in book["说明"].iter_rows()}
    for name in layers():
        assert {(name, column) for column in LAYERS[name].names} <= told
    assert any("SYNTHETIC" in str(row[1].value) for row in book["说明"].iter_rows())


def test_csv_opens_in_excel_and_pandas(folder):
    done = export("town", folder, "csv")
    raw = files.read_bytes(f"{done.path}/dead_ends.csv")
    assert raw.startswith(b"\xef\xbb\xbf")
    assert raw.count(b"\xef\xbb\xbf") == 1
    # As Excel reads: by the byte order mark, quoted fields whole, then the first character decides.
    rows = list(csv.reader(raw.decode("utf-8-sig").splitlines(keepends=True)))
    name = rows[0].index("name")
    assert len(rows) == 11
    assert not [row[name] for row in rows[1:] if row[name][:1] in "=+-@\t\r\n"]
    back = pd.read_csv(f"{done.path}/dead_ends.csv", dtype={"node_id": "int64"}).set_index(
        "dead_end_id"
    )
    given = layers()["dead_ends"].set_index("dead_end_id").loc[back.index]
    harmless = [n for n in HOSTILE if n[:1] not in "=+-@\t"]
    assert set(harmless) <= set(back["name"])
    assert set(back["name"].str.removeprefix("'")) == {n.removeprefix("'") for n in HOSTILE}
    assert back["node_id"].tolist() == given["node_id"].tolist()
    assert np.allclose(back["lon"], given.geometry.x)
    assert len(pd.read_csv(f"{done.path}/travel_times.csv")) == 4
    assert list(pd.read_csv(f"{done.path}/conflicts.csv").columns)[:2] == [
        "conflict_id",
        "border_id",
    ]
    told = pd.read_csv(f"{done.path}/columns.csv", encoding="utf-8-sig")
    assert "距边界（米）" in set(told["表头"])


def test_graphml_is_a_graph_that_osmnx_routes_on(folder):
    graph = osmnx.io.load_graphml(export("town", folder, "graphml").path)
    assert set(graph.edges()) == {(1, 2), (2, 1), (2, 3)}
    assert osmnx.routing.shortest_path(graph, 1, 3, weight="travel_time") == [1, 2, 3]
    assert osmnx.routing.shortest_path(graph, 3, 1, weight="travel_time") is None
    assert graph.edges[1, 2, 0]["travel_time"] == pytest.approx(660.0)
    assert graph.edges[1, 2, 0]["name"] == "郑开大道"
    assert "SYNTHETIC" in graph.graph["about"]
    back = graph.edges[2, 1, 0]["geometry"].coords
    assert back[0] == pytest.approx((113, 34.1))


def test_a_line_of_a_table_stands_on_its_middle():
    from pipeline.exports.layer_set import lon_lat_columns

    crs = pyproj.CRS.from_epsg(4547)
    lines = [
        shapely.LineString([(0, 0), (10, 0)]),
        shapely.MultiLineString([[(0, 0), (1, 0)], [(5, 0), (9, 0)]]),
        shapely.box(0, 0, 2, 2),
    ]
    names, (x, y) = lon_lat_columns(gpd.GeoDataFrame(geometry=lines, crs=crs))
    assert names == ["x_m", "y_m"]
    assert x[0] == 5
    assert all(
        shapely.distance(line, shapely.Point(a, b)) < 1e-9
        for line, a, b in zip(lines, x, y, strict=True)
    )


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"form": "shp"}, "expected one of"),
        ({"form": "gpkg", "crs": "EPSG:abc"}, "EPSG:4490"),
        ({"form": "gpkg", "crs": "EPSG:4978"}, "two-dimensional"),
        ({"form": "gpkg", "layers": ["road"]}, "no such result layer"),
    ],
)
def test_wrong_wishes_are_told_and_leave_nothing(folder, tmp_path, wrong, told):
    with pytest.raises(ConfigError, match=told):
        export("town", folder, **wrong, out=str(tmp_path / "x"))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("form", ["csv", "gpkg"])
def test_a_folder_with_other_things_in_it_is_no_target(folder, tmp_path, form):
    """`--out` of a user's own folder wiped it."""
    own = tmp_path / "documents"
    (own / "letters").mkdir(parents=True)
    (own / "letters" / "a.txt").write_text("mine")
    (own / "data.csv").write_text("mine")
    with pytest.raises(ConfigError, match="--out"):
        export("town", folder, form, out=str(own))
    assert (own / "letters" / "a.txt").read_text() == (own / "data.csv").read_text() == "mine"


def test_a_csv_folder_is_not_put_in_the_place_of_a_file(folder, tmp_path):
    (tmp_path / "notes").write_text("mine")
    with pytest.raises(ConfigError, match="is a file"):
        export("town", folder, "csv", out=str(tmp_path / "notes"))
    assert (tmp_path / "notes").read_text() == "mine"


def test_exports_do_not_follow_a_link_out_of_the_metros_folder(folder, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    exports = Path(folder.metro("town")) / "exports"
    kept = exports.rename(tmp_path / "kept") if exports.exists() else None
    exports.symlink_to(outside)
    try:
        with pytest.raises(StoreError, match="leads out of"):
            export("town", folder, "csv")
    finally:
        exports.unlink()
        if kept:
            kept.rename(exports)
    assert list(outside.iterdir()) == []


def test_zones_of_china_are_for_china(folder, tmp_path):
    paths = Paths.of(str(tmp_path), str(tmp_path))
    store.write_layer(paths.layer("andorra", "cities"), "cities", layers()["cities"], META)
    manifest = {"format": 1, "stages": {}, "facts": {"centre": [1.5, 42.5]}}
    store.write_json(paths.manifest("andorra"), manifest)
    with pytest.raises(ConfigError, match="China"):
        export("andorra", paths, "gpkg", "cgcs2000")


def test_a_metro_that_never_ran_is_an_error(folder, tmp_path):
    with pytest.raises(StoreError, match="run"):
        export("nowhere", folder, "xlsx")
    with pytest.raises(StoreError, match="isochrones"):
        export("town", folder, "xlsx", layers=["isochrones"])


@pytest.mark.parametrize("layer", ["roads", "travel_times"])
def test_a_layer_that_is_not_the_recorded_one_is_not_exported(folder, tmp_path, layer):
    data = tmp_path / "data"
    shutil.copytree(folder.data, data)
    paths = Paths.of(str(data), str(tmp_path))
    path = store.parts_of(paths.layer("town", layer, layer == "travel_times"))[0]
    files.write_bytes(path, files.read_bytes(path) + b"x")
    with pytest.raises(StoreError, match="not what its run recorded"):
        export("town", paths, "gpkg", layers=["all"], out=str(tmp_path / "a.gpkg"))
    assert not (tmp_path / "a.gpkg").exists()


def test_layers_of_a_run_that_did_not_end_are_not_exported(folder, tmp_path):
    data = tmp_path / "data"
    shutil.copytree(folder.data, data)
    paths = Paths.of(str(data), str(tmp_path))
    manifest = store.read_json(paths.manifest("town"))
    outputs = manifest["stages"].pop("by hand")["outputs"]
    manifest["stages"]["network"] = {
        "recipe": {"inputs": {"cities": "another"}},
        "outputs": {"roads": outputs.pop("roads")},
    }
    manifest["stages"]["extract"] = {"recipe": {}, "outputs": outputs}
    store.write_json(paths.manifest("town"), manifest)
    with pytest.raises(StoreError, match="stage network: input cities changed since"):
        export("town", paths, "gpkg", out=str(tmp_path / "a.gpkg"))
    done = export("town", paths, "gpkg", layers=["cities"], out=str(tmp_path / "b.gpkg"))
    assert list(done.rows) == ["cities"], "what does not depend on it is whole"


def test_the_verb(folder, tmp_path, capsys):
    out = tmp_path / "a.xlsx"
    code = cli.main(
        [
            "export",
            "town",
            "--format",
            "xlsx",
            "--data",
            folder.data,
            "--out",
            str(out),
            "--layers",
            "cities",
        ]
    )
    assert code == 0
    assert "2 rows" in capsys.readouterr().out
    assert openpyxl.load_workbook(out).sheetnames == ["说明", "城市"]
    assert cli.main(["export", "../x", "--format", "xlsx", "--data", folder.data]) == 2
    assert cli.main(["export", "nowhere", "--format", "xlsx", "--data", folder.data]) == 1


def test_every_word_of_the_schemas_is_translated():
    assert dictionary.untranslated() == [], "add them to pipeline/layers/dictionary.toml"
    assert dictionary.left_over() == [], (
        "nothing asks for these entries of pipeline/layers/dictionary.toml"
    )


def test_titles_fit_a_sheet_and_headings_differ():
    titles = [dictionary.title_zh(name) for name in LAYERS]
    assert len(set(titles)) == len(titles)
    assert all(len(title) <= 31 and not set(title) & set("[]:*?/\\") for title in titles)
    for layer in LAYERS.values():
        headings = [dictionary.heading_zh(name) for name in layer.names]
        assert len(set(headings)) == len(headings), layer.name
    json.dumps(titles)


def test_the_styles_of_a_geopackage_bear_no_time_of_writing():
    from types import SimpleNamespace

    from pipeline.exports import gpkg

    database = sqlite3.connect(":memory:")
    database.execute(
        "CREATE TABLE gpkg_contents (table_name TEXT, data_type TEXT, identifier TEXT, "
        "last_change TEXT DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ','now')))"
    )
    gpkg._add_styles(database, SimpleNamespace(layers=["cities", "dead_ends"]))
    times = database.execute(
        "SELECT update_time FROM layer_styles UNION ALL SELECT last_change FROM gpkg_contents"
    ).fetchall()
    assert len(times) == 3
    assert {time for (time,) in times} == {gpkg.WRITTEN}


@pytest.mark.parametrize("layers", [None, ["all"]], ids=["planner's", "raw"])
def test_what_a_workbook_is_packed_from_lies_in_a_folder_that_is_cleared(
    folder, tmp_path, monkeypatch, layers
):
    """It lay in the system's folder, where an export that was killed left it."""
    places = []
    make = tempfile.mkstemp

    def watched(suffix=None, prefix=None, dir=None, text=False):
        places.append(dir)
        return make(suffix, prefix, dir, text)

    monkeypatch.setattr(tempfile, "mkstemp", watched)
    export("town", folder, "xlsx", layers=layers, out=str(tmp_path / "plan.xlsx"))
    assert len(places) > 5
    assert all("metro-export-" in str(each) for each in places)
