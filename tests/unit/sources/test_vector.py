"""Roads from vector files: columns, classes, encodings, datums, and topology from coordinates."""

from __future__ import annotations

import shutil

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from pipeline.crs import local_metric_crs, wgs84_to_gcj02
from pipeline.errors import ConfigError, SourceError
from pipeline.metros.catalogue import load_metro
from pipeline.sources import resolve
from pipeline.sources.osm.extract.read import read_extract
from pipeline.sources.params import ExtractParams
from pipeline.sources.stamps import stamp_of
from pipeline.sources.vector.features import files_of, read_roads
from pipeline.sources.vector.topology import join_vertices
from pipeline.storage.paths import Paths

METRIC = local_metric_crs(114.0, 34.5)


def line(*points):
    return shapely.LineString(points)


@pytest.fixture
def cities(tmp_path):
    shapes = [shapely.box(113.8, 34.4, 114.0, 34.6), shapely.box(114.0, 34.4, 114.2, 34.6)]
    frame = gpd.GeoDataFrame({"code": ["w", "e"], "name": ["西", "东"]}, geometry=shapes, crs=4326)
    frame.to_file(tmp_path / "cities.geojson")
    return frame


@pytest.fixture
def roads():
    return gpd.GeoDataFrame(
        {
            "类别": ["主干路", "次干路", "primary", "便道"],
            "名称": ["中原路", "金水路", None, "小径"],
            "单行": ["FT", "TF", "B", None],
            "车道": [4, 0, None, 2],
        },
        geometry=[
            line((113.9, 34.5), (113.945, 34.5), (113.955, 34.5), (114.1, 34.5)),
            line((113.95, 34.45), (113.95, 34.5)),
            line((114.05, 34.5), (114.05, 34.55)),
            line((114.06, 34.5), (114.06, 34.51)),
        ],
        crs=4326,
    )


COLUMNS = 'columns = {highway = "类别", name = "名称", oneway = "单行", lanes = "车道"}\n'
CLASSES = 'classes = {"主干路" = "primary", "次干路" = "secondary"}\n'


def metro_of(folder, roads="roads.gpkg", more=COLUMNS + CLASSES):
    path = folder / "m.toml"
    path.write_text(
        '[boundaries]\nsource = "file"\npath = "cities.geojson"\nid_field = "code"\n'
        f'name_field = "name"\n[vector]\nroads = "{roads}"\n{more}',
        encoding="utf-8",
    )
    return load_metro(str(path))


def read(metro, folder):
    paths = Paths.of(str(folder / "data"), str(folder / "maps"))
    source = resolve.resolve_source(metro, paths, "vector", say=lambda text: None)
    return read_extract(metro, source, ExtractParams())


def test_columns_and_classes_become_tags_and_what_is_not_told_is_null(tmp_path, cities, roads):
    roads.to_file(tmp_path / "roads.gpkg")
    extract = read(metro_of(tmp_path), tmp_path)
    found = extract.layers["highways"].sort_values("way_id", ignore_index=True)
    assert found["highway"].tolist() == ["primary", "secondary", "primary"]
    assert found["name"].fillna("?").tolist() == ["中原路", "金水路", "?"]
    assert found["oneway"].tolist() == ["yes", "-1", "no"]
    assert found["lanes"].fillna("?").tolist() == ["4", "?", "?"], "a zero is no number of lanes"
    for column in ("maxspeed", "bridge", "surface", "ref"):
        assert found[column].isna().all()
    notes = " ".join(extract.facts["notes"])
    for part in (
        "便道 (1)",
        "vector.classes",
        "does not state speed limits",
        "datum not stated",
        "holds roads only",
    ):
        assert part in notes
    assert extract.facts["osm_snapshot"] is None
    assert extract.facts["is_synthetic"] is False


def test_without_those_columns_oneway_and_lanes_are_null(tmp_path, cities, roads):
    roads[["类别", "geometry"]].to_file(tmp_path / "roads.gpkg")
    extract = read(metro_of(tmp_path, more='columns = {highway = "类别"}\n' + CLASSES), tmp_path)
    assert extract.layers["highways"][["oneway", "lanes", "name"]].isna().all().all()
    assert any(
        "one-ways (every road is driven both ways), lanes" in n for n in extract.facts["notes"]
    )


@pytest.mark.parametrize("encoding", ["GBK", "UTF-8"])
def test_a_chinese_shapefile_without_code_page(tmp_path, cities, roads, encoding):
    roads.to_file(tmp_path / "roads.shp", encoding=encoding)
    (tmp_path / "roads.cpg").unlink(missing_ok=True)
    extract = read(metro_of(tmp_path, "roads.shp"), tmp_path)
    assert "中原路" in extract.layers["highways"]["name"].tolist()


def test_an_encoding_can_be_stated(tmp_path, cities, roads):
    roads.to_file(tmp_path / "roads.shp", encoding="GBK")
    (tmp_path / "roads.cpg").write_text("ISO-8859-1")
    with pytest.raises(ConfigError, match="no column"):
        read_roads(metro_of(tmp_path, "roads.shp"))
    metro = metro_of(tmp_path, "roads.shp", COLUMNS + CLASSES + 'encoding = "GBK"\n')
    assert "中原路" in read(metro, tmp_path).layers["highways"]["name"].tolist()
    metro = metro_of(tmp_path, "roads.shp", COLUMNS + CLASSES + 'encoding = "klingon"\n')
    with pytest.raises(SourceError, match="klingon"):
        read_roads(metro)


def test_geoparquet_and_a_projected_crs(tmp_path, cities, roads):
    # CGCS2000, 3-degree zone 38: what Chinese surveys deliver.
    roads.to_crs(4526).to_parquet(tmp_path / "roads.parquet")
    found = read(metro_of(tmp_path, "roads.parquet"), tmp_path).layers["highways"]
    assert found.geometry.iloc[0].hausdorff_distance(roads.geometry.iloc[0]) < 2e-7


def test_a_file_geodatabase_is_a_folder_and_its_changes_are_seen(tmp_path, cities, roads):
    roads.to_file(tmp_path / "roads.gdb", driver="OpenFileGDB", layer="roads")
    metro = metro_of(tmp_path, "roads.gdb")
    assert "中原路" in read(metro, tmp_path).layers["highways"]["name"].tolist()
    before = stamp_of(str(tmp_path / "roads.gdb"))
    assert before == stamp_of(str(tmp_path / "roads.gdb"))
    shutil.rmtree(tmp_path / "roads.gdb")
    roads.iloc[1:].to_file(tmp_path / "roads.gdb", driver="OpenFileGDB", layer="roads")
    assert stamp_of(str(tmp_path / "roads.gdb")) != before
    assert "中原路" not in read(metro, tmp_path).layers["highways"]["name"].tolist()


def test_gcj02_roads_are_shifted_back(tmp_path, cities, roads):
    shifted = roads.set_geometry(
        shapely.transform(
            roads.geometry.to_numpy(),
            lambda xy: np.column_stack(wgs84_to_gcj02(xy[:, 0], xy[:, 1])),
        ),
        crs=4326,
    )
    shifted.to_file(tmp_path / "roads.gpkg")
    extract = read(metro_of(tmp_path, more=COLUMNS + CLASSES + 'datum = "gcj02"\n'), tmp_path)
    found = extract.layers["highways"].geometry.iloc[0]
    assert found.hausdorff_distance(roads.geometry.iloc[0]) < 5e-7
    assert any("gcj02 converted to WGS84" in note for note in extract.facts["notes"])
    shifted.to_crs(4526).to_file(tmp_path / "roads.gpkg")
    with pytest.raises(SourceError, match="needs degrees"):
        read_roads(metro_of(tmp_path, more=COLUMNS + 'datum = "gcj02"\n'))


@pytest.mark.parametrize(
    ("more", "error", "words"),
    [
        ("", ConfigError, "no column for the class of road.*类别"),
        ('columns = {highway = "class"}\n', ConfigError, "'class' is no column"),
        (
            'columns = {highway = "类别", colour = "名称"}\n',
            ConfigError,
            "vector.columns.colour: not one",
        ),
        (
            'columns = {highway = "名称"}\n',
            SourceError,
            "no feature is of a known road class.*中原路",
        ),
        ('others = ["cities.geojson"]\n' + COLUMNS + CLASSES, None, ""),
        ('others = ["none.gpkg"]\n' + COLUMNS + CLASSES, SourceError, "none.gpkg"),
    ],
)
def test_mistakes_in_the_table_are_named(tmp_path, cities, roads, more, error, words):
    roads.to_file(tmp_path / "roads.gpkg")
    if error is None:
        read(metro_of(tmp_path, more=more), tmp_path)
        return
    with pytest.raises(error, match=words):
        read(metro_of(tmp_path, more=more), tmp_path)


def test_files_that_are_no_roads(tmp_path, cities):
    metro = metro_of(tmp_path, "cities.geojson", 'columns = {highway = "name"}\n')
    with pytest.raises(SourceError, match="holds no line"):
        read_roads(metro)
    (tmp_path / "bad.shp").write_bytes(b"not a shapefile")
    with pytest.raises(SourceError, match="cannot be read by GDAL"):
        read_roads(metro_of(tmp_path, "bad.shp"))
    pd.DataFrame({"类别": ["主干路"]}).to_csv(tmp_path / "table.csv", index=False)
    with pytest.raises(SourceError, match="no geometry"):
        read_roads(metro_of(tmp_path, "table.csv"))
    far = gpd.GeoDataFrame({"类别": ["主干路"]}, geometry=[line((4e5, 4e6), (4e5, 4.1e6))])
    far.to_file(tmp_path / "far.geojson")
    with pytest.raises(SourceError, match="no degrees"):
        read_roads(metro_of(tmp_path, "far.geojson", 'columns = {highway = "类别"}\n'))


def test_boundaries_of_osm_are_not_to_be_had(tmp_path):
    path = tmp_path / "m.toml"
    path.write_text('[vector]\nroads = "r.gpkg"\n')
    with pytest.raises(ConfigError, match=r'boundaries\.source = "file"'):
        files_of(load_metro(str(path)))
    path.write_text("")
    with pytest.raises(ConfigError, match="name the file of roads"):
        files_of(load_metro(str(path)))


def test_a_second_run_reads_nothing_again_and_a_changed_file_does(tmp_path, cities, roads):
    roads.to_file(tmp_path / "roads.gpkg")
    metro, said = metro_of(tmp_path), []
    paths = Paths.of(str(tmp_path / "data"), str(tmp_path / "maps"))
    first = resolve.resolve_source(metro, paths, "vector", say=said.append)
    content = first.files[0].read_bytes()
    assert resolve.resolve_source(metro, paths, "vector", say=said.append) == first
    assert sum(line.startswith("reading ") for line in said) == 1
    assert first.notes
    roads.iloc[:2].to_file(tmp_path / "roads.gpkg")
    resolve.resolve_source(metro, paths, "vector", say=said.append)
    assert first.files[0].read_bytes() != content


def test_either_of_two_files_of_one_name_counts(tmp_path, cities, roads):
    """Keyed by name alone one file would stand for both, and a new version of the other go unseen."""
    shapes = roads.geometry.buffer(1e-4).tolist()
    water = gpd.GeoDataFrame({"natural": ["water"] * len(shapes)}, geometry=shapes, crs=roads.crs)
    files = {"land": water, "streets": roads}
    for folder, frame in files.items():
        (tmp_path / folder).mkdir()
        frame.to_file(tmp_path / folder / "lines.gpkg")
    others = 'others = ["land/lines.gpkg"]\n'
    metro = metro_of(tmp_path, "streets/lines.gpkg", others + COLUMNS + CLASSES)
    paths = Paths.of(str(tmp_path / "data"), str(tmp_path / "maps"))

    def times_read():
        said = []
        for _ in range(2):
            resolve.resolve_source(metro, paths, "vector", say=said.append)
        return sum(text.startswith("reading ") for text in said)

    assert times_read() == 1
    for folder, frame in files.items():
        frame.iloc[:2].to_file(tmp_path / folder / "lines.gpkg")
        assert times_read() == 1, folder


# --- topology ---------------------------------------------------------------------------


def metres(*lines):
    """Lines given in metres around the centre, as degrees."""
    return gpd.GeoSeries([line(*each) for each in lines], crs=METRIC).to_crs(4326).tolist()


def joined(*lines, tolerance_m=0.5):
    return join_vertices(metres(*lines), [], METRIC, tolerance_m)


def runs(topology):
    cut = np.split(topology.node, topology.offsets[1:-1])
    return [each.tolist() for each in cut]


def test_vertices_within_the_tolerance_are_one_node():
    one, two = runs(joined([(0, 0), (100, 0)], [(100.3, 0.2), (200, 0)]))
    assert one[-1] == two[0]
    one, two = runs(joined([(0, 0), (100, 0)], [(100.6, 0.2), (200, 0)]))
    assert one[-1] != two[0]


def test_nodes_do_not_depend_on_a_grid_or_on_the_order_of_lines():
    for offset in np.linspace(0, 1, 21):
        one, two = runs(joined([(0, 0), (100 + offset, 0)], [(100 + offset + 0.4, 0), (200, 0)]))
        assert one[-1] == two[0]
    lines = [[(0, 0), (100, 0)], [(100.2, 0), (200, 0)], [(100, 0.2), (100, 100)]]
    a, b = joined(*lines), joined(*lines[::-1])
    assert np.allclose(a.xy, b.xy)
    assert runs(a) == runs(b)[::-1]


def test_an_end_on_another_line_joins_it_there():
    topology = joined([(0, 0), (50, 0), (200, 0)], [(120, 0.3), (120, 90)], [(80, -70), (80, -0.2)])
    through, up, down = runs(topology)
    assert topology.touched == 2
    assert through == [through[0], through[1], down[-1], up[0], through[-1]], "in driving order"


def test_lines_that_cross_or_pass_nearby_are_not_joined():
    crossing = joined([(0, 0), (200, 0)], [(100, -50), (100, 50)])
    assert crossing.touched == 0
    assert len(set(crossing.node.tolist())) == 4
    assert joined([(0, 0), (200, 0)], [(100, 0.9), (100, 50)]).touched == 0
    both = joined([(0, 0), (200, 0)], [(100, 0.1), (200, 50)], [(100, 0.1), (0, 50)])
    assert both.touched == 0, "an end that already meets another line is no loose end"


def test_a_closed_line_and_a_line_onto_itself():
    topology = joined([(0, 0), (100, 0), (100, 100), (0, 0)])
    (ring,) = runs(topology)
    assert ring[0] == ring[-1]
    lasso = joined([(0, 0), (200, 0), (200, 100), (100, 100), (100, 0.2)])
    (run,) = runs(lasso)
    assert lasso.touched == 1
    assert run.count(run[-1]) == 2


def test_areas_lines_and_points_of_other_files(tmp_path, cities, roads):
    roads.to_file(tmp_path / "roads.gpkg")
    lake = shapely.box(113.97, 34.47, 114.03, 34.53) - shapely.box(113.98, 34.48, 113.99, 34.49)
    island = shapely.box(113.83, 34.43, 113.84, 34.44)
    gpd.GeoDataFrame(
        {"natural": ["water", "wood"], "name": ["湖", "林"]},
        geometry=[
            shapely.MultiPolygon(
                [*lake.geoms, island] if lake.geom_type == "MultiPolygon" else [lake, island]
            ),
            shapely.box(113.85, 34.55, 113.86, 34.56),
        ],
        crs=4326,
    ).to_file(tmp_path / "land.gpkg")
    gpd.GeoDataFrame(
        {"waterway": ["river"]}, geometry=[line((113.9, 34.41), (114.1, 34.43))], crs=4326
    ).to_file(tmp_path / "rivers.gpkg")
    gpd.GeoDataFrame(
        {"barrier": ["gate", None], "place": [None, "town"], "name": [None, "镇"]},
        geometry=[shapely.Point(113.95, 34.5), shapely.Point(113.9, 34.55)],
        crs=4326,
    ).to_file(tmp_path / "points.geojson")
    more = 'others = ["land.gpkg", "rivers.gpkg", "points.geojson"]\n' + COLUMNS + CLASSES
    layers = read(metro_of(tmp_path, more=more), tmp_path).layers
    land = layers["land_areas"].set_index("value")
    assert land.loc["water"].geometry.area == pytest.approx(lake.area + island.area, rel=1e-6)
    assert land.loc["wood", "name"] == "林"
    assert layers["waterways"]["waterway"].tolist() == ["river"]
    assert layers["tagged_nodes"]["barrier"].tolist() == ["gate"]
    gate = layers["tagged_nodes"]["node_id"].iloc[0]
    assert sum(gate in ids for ids in layers["highways"]["node_ids"]) == 2
    assert layers["osm_places"]["name"].tolist() == ["镇"]


@pytest.mark.parametrize("how", ["cut at 180", "drawn over it"])
def test_files_over_the_antimeridian_are_read_in_one_piece(tmp_path, cities, roads, how):
    """The same cities and roads as anywhere else, turned so that the eastern city holds 180."""
    roads.to_file(tmp_path / "roads.gpkg")
    there = read(metro_of(tmp_path), tmp_path)
    turn = 179.95 - 114.0

    def turned(shape):
        return shapely.transform(
            shape, lambda xy: np.column_stack([(xy[:, 0] + turn + 180) % 360 - 180, xy[:, 1]])
        )

    folder = tmp_path / "turned"
    folder.mkdir()
    east = shapely.union_all(
        [shapely.box(179.95, 34.4, 180.0, 34.6), shapely.box(-180.0, 34.4, -179.85, 34.6)]
    )
    if how == "drawn over it":
        east = turned(cities.geometry[1])
    shapes = [turned(cities.geometry[0]), east]
    cities.set_geometry(gpd.GeoSeries(shapes, crs=4326)).to_file(folder / "cities.geojson")
    roads.set_geometry(roads.geometry.map(turned)).set_crs(4326).to_file(folder / "roads.gpkg")
    here = read(metro_of(folder), folder)
    west, _, east, _ = here.layers["cities"].total_bounds
    assert east - west == pytest.approx(0.4, abs=1e-6)
    assert here.layers["cities"]["area_km2"].tolist() == pytest.approx(
        there.layers["cities"]["area_km2"].tolist(), rel=1e-4
    )
    lengths = [
        each.layers["highways"].to_crs(local_metric_crs(lon, 34.5)).length.sort_values().tolist()
        for each, lon in ((there, 114.0), (here, 179.95))
    ]
    assert lengths[1] == pytest.approx(lengths[0], rel=1e-3)
    assert set(here.layers["extract_area"]["evidence"]) == {"data_bbox"}
