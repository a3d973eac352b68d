"""Files as people have them: layers, encodings that lie, cut text, datums without a known shift."""

from __future__ import annotations

import struct

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import pytest
import shapely

from pipeline.errors import SourceError
from pipeline.sources.encodings import (
    BIG5,
    EUC_JP,
    GBK,
    KOREAN,
    SHIFT_JIS,
    UTF8,
    WESTERN,
    decode,
    encoding_of,
)
from pipeline.sources.gdal_file import (
    Asked,
    _codec,
    is_in_china,
    mended_notes,
    null_shift,
    read_file,
    to_degrees,
)

ROADS = Asked("the roads", layer_key='vector.layer = "..."')
TEXTS = {"等级": ["主干路", "次干路", None], "名称": ["中原路", "花园路", "东风路"]}


def frame(texts=TEXTS, crs=4326):
    lines = [
        shapely.LineString([(113.6 + 0.1 * n, 34.7), (113.65 + 0.1 * n, 34.7)]) for n in range(3)
    ]
    return gpd.GeoDataFrame(texts, geometry=lines, crs=crs)


def shapefile(path, encoding, page, texts=TEXTS):
    """A shapefile in an encoding under a .cpg that says ``page`` (None: without)."""
    frame(texts).to_file(path, encoding=encoding)
    cpg = path.with_suffix(".cpg")
    cpg.unlink(missing_ok=True)
    if page is not None:
        cpg.write_text(page)
    return path


@pytest.mark.parametrize(
    ("encoding", "page"),
    [
        ("GBK", "UTF-8"),
        ("GBK", "ISO-8859-5x"),
        ("GBK", None),
        ("GBK", "936"),
        ("GBK", "GB2312"),
        ("UTF-8", None),
        ("UTF-8", "UTF-8"),
        ("UTF-8", "GBK_"),
        ("Big5", "Big5"),
        ("CP949", "949"),
    ],
)
def test_shapefiles_under_right_wrong_and_no_code_pages(tmp_path, encoding, page):
    texts = TEXTS if encoding not in ("Big5", "CP949") else {"road": ["中山路", "大道", None]}
    path = shapefile(tmp_path / "r.shp", encoding, page, texts)
    found, notes = read_file(path, ROADS)
    for column, values in texts.items():
        assert found[column].astype(object).where(found[column].notna(), None).tolist() == values
    lies = page in ("UTF-8", "ISO-8859-5x", "GBK_") and encoding != page
    assert bool(notes) == lies
    if lies:
        assert f"not {page} as r.cpg states; read as" in notes[0]


def test_what_is_neither_is_named_by_what_states_it(tmp_path):
    path = shapefile(tmp_path / "r.shp", "CP1252", "UTF-8", {"name": ["Rúa São", "Jundiaí", "é"]})
    with pytest.raises(SourceError, match=r"not UTF-8, as r.cpg states; state its encoding"):
        read_file(path, ROADS)
    found, _ = read_file(path, Asked("the roads", encoding="CP1252"))
    assert found["name"].tolist() == ["Rúa São", "Jundiaí", "é"]
    with pytest.raises(SourceError, match="not Big5, as the metro file states"):
        read_file(path, Asked("the roads", encoding="Big5"))


@pytest.mark.parametrize("encoding", ["UTF-8", "GBK"])
def test_names_and_cells_cut_inside_a_character_end_before_it(tmp_path, encoding):
    """Tools cut field names at 10 bytes and cells at their width: 道路技术 is 12 bytes in UTF-8."""
    path = shapefile(tmp_path / "r.shp", encoding, "UTF-8" if encoding == "UTF-8" else None)
    dbf = bytearray(path.with_suffix(".dbf").read_bytes())
    name = "a道路技术等级".encode(encoding)[:10]
    dbf[32:43] = name.ljust(11, b"\0")
    header = struct.unpack("<H", dbf[8:10])[0]
    width = dbf[32 + 16]
    cell = ("主干" + "路" * 100).encode(encoding)
    cell = (
        cell[:width]
        if len(cell[:width]) % (3 if encoding == "UTF-8" else 2)
        else b"x" + cell[: width - 1]
    )
    dbf[header + 1 : header + 1 + width] = cell
    path.with_suffix(".dbf").write_bytes(dbf)
    found, _ = read_file(path, ROADS)
    expected = name.decode(encoding, "ignore")
    assert found.columns[0] == expected and len(expected) in (4, 5)
    assert found[expected].iloc[0] == cell.decode(encoding, "ignore")


@pytest.mark.parametrize("encoding", ["gbk", "gb18030", "utf-16", "utf-8-sig"])
@pytest.mark.parametrize("suffix", ["geojson", "csv"])
def test_text_files_of_other_encodings(tmp_path, encoding, suffix):
    path = tmp_path / f"r.{suffix}"
    options = {"layer_options": {"GEOMETRY": "AS_WKT"}} if suffix == "csv" else {}
    frame().to_file(path, **options)
    path.write_bytes(path.read_text(encoding="utf-8").encode(encoding))
    found, notes = read_file(path, ROADS)
    assert found["名称"].tolist() == TEXTS["名称"]
    assert bool(notes) == (encoding != "utf-8-sig")


def test_western_geojson_asks_for_its_encoding(tmp_path):
    path = tmp_path / "r.geojson"
    frame({"name": ["São João", "é", "ü"]}).to_file(path)
    path.write_bytes(path.read_text(encoding="utf-8").encode("cp1252"))
    with pytest.raises(SourceError, match="not UTF-8 or GBK; state its encoding"):
        read_file(path, ROADS)
    assert read_file(path, Asked("the roads", encoding="cp1252"))[0]["name"].iloc[0] == "São João"


# --------------------------------------------------------------------------- layers


@pytest.fixture(params=["gpkg", "gdb"])
def several(tmp_path, request):
    path = tmp_path / f"r.{request.param}"
    if request.param == "gdb" and "OpenFileGDB" not in pyogrio.list_drivers(write=True):
        pytest.skip("this GDAL writes no file geodatabase")
    for name, count in (("roads_2010", 1), ("roads_2024", 3)):
        driver = {"gpkg": "GPKG", "gdb": "OpenFileGDB"}[request.param]
        rows = frame().iloc[:count]
        pyogrio.write_dataframe(rows, path, layer=name, append=path.exists(), driver=driver)
    return path


def test_several_layers_need_a_name(several):
    with pytest.raises(SourceError, match=r"has 2 layers: roads_2010, roads_2024;.*vector\.layer"):
        read_file(several, ROADS)
    assert len(read_file(several, Asked("the roads", ("roads_2024",)))[0]) == 3
    assert len(read_file(several, Asked("the roads", ("roads_2010", "roads_2024")))[0]) == 4
    with pytest.raises(SourceError, match=r"no layer 'roads' .*there are: roads_2010, roads_2024"):
        read_file(several, Asked("the roads", ("roads",)))


def test_a_table_without_geometry_beside_the_only_layer_is_no_second_one(tmp_path):
    path = tmp_path / "r.gpkg"
    pyogrio.write_dataframe(pd.DataFrame({"a": [1]}), path, layer="legend")
    pyogrio.write_dataframe(frame(), path, layer="roads", append=True)
    assert len(read_file(path, ROADS)[0]) == 3


# --------------------------------------------------------------------------- datums, outlines


@pytest.mark.parametrize("crs", [4610, 4214, 2334, 2435, 4555])
def test_a_datum_without_a_known_shift_is_told(crs):
    moved = frame().to_crs(crs)
    said = null_shift(moved, None)
    assert said is not None and "is not known, so none was made" in said


@pytest.mark.parametrize("crs", [4326, 4490, 4547, 3857, 32650, 4258, 4269])
def test_datums_that_are_wgs84_within_metres_are_not(crs):
    assert null_shift(frame().to_crs(crs), None) is None


def test_a_known_shift_and_stated_web_datums_say_nothing():
    german = gpd.GeoDataFrame(geometry=[shapely.Point(10, 50), shapely.Point(10.1, 50)], crs=4314)
    assert null_shift(german, None) is None
    assert null_shift(frame().to_crs(4610), "gcj02") is None
    assert null_shift(frame(crs=None), None) is None


def test_a_self_crossing_outline_says_where_and_how_much(tmp_path):
    bow = shapely.Polygon([(113.6, 34.7), (113.7, 34.8), (113.7, 34.7), (113.6, 34.8)])
    small = shapely.Polygon(
        [
            (113.6, 34.7),
            (113.7, 34.7),
            (113.7, 34.8),
            (113.64999, 34.8),
            (113.65001, 34.80001),
            (113.65, 34.8),
            (113.6, 34.8),
        ]
    )
    shapes = shapely.points([0.0], [0.0]).repeat(0).astype(object)
    names = pd.Series(["郑州市", "方", "好"])
    shapes = gpd.GeoSeries([bow, small, shapely.box(113.6, 34.7, 113.7, 34.8)]).to_numpy()
    notes = mended_notes(shapes, names, tmp_path / "b.gpkg")
    assert "郑州市 crosses itself at 113.6500, 34.7500; mended to 50." in notes[0]
    assert "leaves out 50 % of its hull" in notes[0] and "area may be lost" in notes[0]
    assert not any("好" in note for note in notes)
    assert all("lost" not in note for note in notes[1:])


@pytest.mark.parametrize("stated", ["U\0TF", "", "no such", "-1"])
def test_a_code_page_that_names_none_is_none(stated):
    assert _codec(stated) is None


TRADITIONAL = ["西車站", "中山北路", "忠孝東路四段", "縣道", "國道一號", "臺北市"]
SIMPLIFIED = ["西站", "中原路", "航海东路", "京港澳高速", "郑东新区管委会", "孜然巷"]


@pytest.mark.parametrize(
    ("names", "codec", "found"),
    [
        (TRADITIONAL, "big5", BIG5),
        (TRADITIONAL, "gbk", GBK),
        (TRADITIONAL, "utf-8", UTF8),
        (SIMPLIFIED, "gbk", GBK),
        (SIMPLIFIED, "gb18030", GBK),
        (["São João", "Köln", "Straße"], "cp1252", WESTERN),
    ],
)
def test_chinese_of_both_scripts_is_told_apart_by_its_bytes(names, codec, found):
    """Big5 was read as GBK: characters that nobody uses, without a word."""
    raw = [each.encode(codec) for each in names]
    assert encoding_of(raw) == found
    assert [decode(each, found) for each in raw] == names


JAPANESE = ["東京駅前通り", "国道１号", "渋谷区道玄坂", "中央通り", "環状七号線", "甲州街道"]
JAPANESE_ROMAN = ["県道12号", "新宿通り", "大阪市北区", "山手トンネル"]
KOREAN_NAMES = ["세종대로", "강남대로", "올림픽대로", "종로3가", "테헤란로", "경기도 성남시"]
KOREAN_FEW = ["부산광역시", "해운대로"]
UNUSUAL = ["莲花", "槐树湾", "娄底", "蓼兰", "赫章", "宓妃"]


@pytest.mark.parametrize(
    ("names", "codec", "found"),
    [
        (JAPANESE, "cp932", SHIFT_JIS),
        (JAPANESE_ROMAN, "cp932", SHIFT_JIS),
        (JAPANESE, "euc_jp", EUC_JP),
        (JAPANESE_ROMAN, "euc_jp", EUC_JP),
        (KOREAN_NAMES, "cp949", KOREAN),
        (KOREAN_FEW, "euc_kr", KOREAN),
        (SIMPLIFIED, "gbk", GBK),
        (UNUSUAL, "gbk", GBK),
        (["公路", "大道"], "gbk", GBK),
        (["Rue de l’Église", "d’Or", "Quai d’Orsay", "“Ring”"], "cp1252", WESTERN),
        (["Straße", "Ñuñoa", "Łódź".replace("Ł", "L").replace("ź", "z")], "cp1252", WESTERN),
    ],
)
def test_korean_and_japanese_are_told_from_chinese(names, codec, found):
    """They were read as GBK without a word, as characters that nobody uses, or refused."""
    raw = [each.encode(codec) for each in names]
    assert encoding_of(raw) == found
    assert [decode(each, found) for each in raw] == names


@pytest.mark.parametrize(
    ("names", "codec"), [(KOREAN_NAMES, "CP949"), (JAPANESE, "CP932"), (JAPANESE, "EUC-JP")]
)
def test_a_shapefile_of_korea_or_japan_without_a_code_page_is_read(tmp_path, names, codec):
    path = shapefile(tmp_path / "a.shp", codec, None, {"road": names[:3]})
    read, notes = read_file(path, ROADS)
    assert list(read["road"]) == names[:3]
    assert f"read as {codec}" in "".join(notes)


def test_a_shapefile_in_big5_is_read(tmp_path):
    path = shapefile(tmp_path / "a.shp", "BIG5", None, {"road": TRADITIONAL[:3]})
    read, _ = read_file(path, ROADS)
    assert list(read["road"]) == TRADITIONAL[:3]


def test_a_shapefile_without_its_table_is_named(tmp_path):
    path = shapefile(tmp_path / "a.shp", "UTF-8", None)
    path.with_suffix(".dbf").unlink()
    with pytest.raises(SourceError, match=r"no \.dbf beside it"):
        read_file(path, ROADS)


def test_columns_of_one_name_are_told_apart(tmp_path):
    """Names cut at ten bytes are often equal; the second ended in a traceback."""
    path = tmp_path / "a.shp"
    frame().assign(road_class="x", road_clasz="w").to_file(path)
    table = path.with_suffix(".dbf")
    table.write_bytes(table.read_bytes().replace(b"road_clasz", b"road_class"))
    read, _ = read_file(path, ROADS)
    assert {"road_class", "road_class_2"} <= set(read.columns)
    assert read["road_class_2"].eq("w").all()
    assert len(read.geometry) == len(frame())


def test_exchanged_coordinates_are_named(tmp_path):
    exchanged = frame()
    exchanged["geometry"] = [shapely.Point(34.5, 113.6)] * len(exchanged)
    with pytest.raises(SourceError, match="exchange its latitude and longitude"):
        to_degrees(exchanged, tmp_path / "a.gpkg", None)


def test_no_feature_is_nowhere_in_china():
    assert not is_in_china(np.array([], dtype=object))
    assert not is_in_china(np.array([None], dtype=object))
