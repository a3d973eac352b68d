"""One GeoPackage with every layer, for QGIS and ArcGIS.

Beside the features the file holds what GIS programs look for: Chinese titles of
columns (`gpkg_data_columns`), a default style per layer (`layer_styles`, which
QGIS applies on opening), and a table `about` with source, date and licence.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from xml.sax.saxutils import quoteattr

import geopandas as gpd
import pandas as pd
import pyogrio

from pipeline.exports.layer_set import LayerSet
from pipeline.layers import LAYERS, Column
from pipeline.layers.dictionary import heading_zh, meaning_zh, null_zh, text_zh, title_zh
from pipeline.render.page import style, words

_STYLES = {
    "borders": ("line", "#1b1b1b", 0.7, "dash"),
    "cities": ("fill", "#f6f1e7", 0.4, "solid"),
    "roads": ("line", "#a0a0a0", 0.15, "solid"),
    "crossings": ("marker", style.GREEN, 2.0, "circle"),
    "eco_corridors": ("fill", "#2f9e77", 0.2, "solid"),
    "shared_rivers": ("line", "#4a90c2", 0.6, "solid"),
    "stations": ("marker", style.BLUE, 1.6, "square"),
}
"""Layers of one look: (symbol, colour, width or size in mm, line or marker form)."""

_BY_VALUE = {
    "dead_ends": ("marker", "status", {k: str(v["color"]) for k, v in style.STATUS.items()}, 2.4),
    "missing_links": ("line", "status", {k: str(v["color"]) for k, v in style.STATUS.items()}, 0.9),
    "bottlenecks": ("line", "kind", {k: str(v["color"]) for k, v in style.BOTTLENECK.items()}, 1.0),
    "conflicts": ("line", "kind", {k: str(v["color"]) for k, v in style.CONFLICT.items()}, 0.6),
    "eco_zones": ("fill", "zone", style.ZONE, 0.1),
    "land": ("fill", "land_class", style.LAND, 0.05),
}
"""Layers coloured by a listed column: (symbol, column, colours, width or size in mm)."""

_WORDS = {
    "dead_ends": "status",
    "missing_links": "status",
    "bottlenecks": "bottleneck",
    "conflicts": "conflict",
    "eco_zones": "zone",
    "land": "land",
}
"""Section of the pages' messages that has the words for a layer's values."""


WRITTEN = "2000-01-01T00:00:00.000Z"
"""Instead of the time of writing: the same layers give the same bytes."""


def write_gpkg(given: LayerSet, path: Path) -> tuple[dict[str, int], list[str]]:
    """Write all layers of a set into one GeoPackage."""
    # Else the time of writing: the same layers give the same bytes.
    pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": WRITTEN})
    rows = {layer: _write_layer(given, layer, path) for layer in given.layers}
    about = pd.DataFrame(given.about, columns=["item", "text"])
    pyogrio.write_dataframe(about, path, layer="about", driver="GPKG", append=path.exists())
    with closing(sqlite3.connect(path)) as database, database:
        _add_titles(database, given)
        _add_styles(database, given)
    return rows, []


def _write_layer(given: LayerSet, layer: str, path: Path) -> int:
    count = 0
    for piece in given.pieces(layer):
        append = count > 0
        table = _plain(piece)
        options: dict[str, str | bool] = {}
        if isinstance(table, gpd.GeoDataFrame):
            # An empty layer has its declared type; GDAL would else take it for a table.
            options["geometry_type"] = _geometry_type(layer)
            options["promote_to_multi"] = str(options["geometry_type"]).startswith("Multi")
        pyogrio.write_dataframe(
            table,
            path,
            layer=layer,
            driver="GPKG",
            append=append or path.exists(),
            layer_options=None
            if append
            else {
                "IDENTIFIER": f"{title_zh(layer)} {layer}",
                "DESCRIPTION": _described(given, layer),
                "FID": "fid",
            },
            **options,
        )
        count += len(table)
    return count


def _plain(frame: pd.DataFrame) -> pd.DataFrame:
    """Columns as GDAL takes them: categories as text."""
    for name in frame.columns:
        if isinstance(frame[name].dtype, pd.CategoricalDtype):
            frame[name] = frame[name].astype("str")
        elif frame[name].dtype == "int8":
            frame[name] = frame[name].astype("int16")
    return frame


def _geometry_type(layer: str) -> str:
    kinds = str(LAYERS[layer].geometry).split("|")
    return kinds[0] if len(kinds) == 1 else f"Multi{kinds[0].removeprefix('Multi')}"


def _described(given: LayerSet, layer: str) -> str:
    note = "道路为虚构样例 SYNTHETIC ROADS. " if given.is_synthetic else ""
    doc = LAYERS[layer].doc
    return f"{note}{text_zh(doc)} {doc} (OSM {given.facts.get('osm_snapshot', '')})"


def _add_titles(database: sqlite3.Connection, given: LayerSet) -> None:
    """The schema extension of GeoPackage: a title and a description per column."""
    database.execute(
        "CREATE TABLE IF NOT EXISTS gpkg_data_columns (table_name TEXT NOT NULL, column_name TEXT "
        "NOT NULL, name TEXT, title TEXT, description TEXT, mime_type TEXT, constraint_name TEXT, "
        "CONSTRAINT pk_gdc PRIMARY KEY (table_name, column_name), "
        "CONSTRAINT gdc_tn UNIQUE (table_name, name))"
    )
    database.execute(
        "CREATE TABLE IF NOT EXISTS gpkg_data_column_constraints (constraint_name TEXT NOT NULL, "
        "constraint_type TEXT NOT NULL, value TEXT, min NUMERIC, min_is_inclusive BOOLEAN, "
        "max NUMERIC, max_is_inclusive BOOLEAN, description TEXT, "
        "CONSTRAINT gdcc_ntv UNIQUE (constraint_name, constraint_type, value))"
    )
    for table in ("gpkg_data_columns", "gpkg_data_column_constraints"):
        database.execute(
            "INSERT INTO gpkg_extensions (table_name, column_name, extension_name, definition, "
            "scope) VALUES (?, NULL, 'gpkg_schema', "
            "'http://www.geopackage.org/spec/#extension_schema', 'read-write')",
            (table,),
        )
    rows = [
        (layer, column.name, heading_zh(column.name), _meaning(column))
        for layer in given.layers
        for column in LAYERS[layer].columns
    ]
    database.executemany(
        "INSERT INTO gpkg_data_columns (table_name, column_name, title, description) "
        "VALUES (?, ?, ?, ?)",
        rows,
    )


def _meaning(column: Column) -> str:
    null = null_zh(column)
    return meaning_zh(column) + (f"；空值：{null}" if null else "")


# --- styles ---------------------------------------------------------------------------


def _add_styles(database: sqlite3.Connection, given: LayerSet) -> None:
    """The table in which QGIS keeps styles; it is listed as attributes, as QGIS does."""
    database.execute(
        "CREATE TABLE layer_styles (id INTEGER PRIMARY KEY AUTOINCREMENT, f_table_catalog TEXT, "
        "f_table_schema TEXT, f_table_name TEXT, f_geometry_column TEXT, styleName TEXT, "
        "styleQML TEXT, styleSLD TEXT, useAsDefault BOOLEAN, description TEXT, owner TEXT, "
        "ui TEXT, update_time DATETIME DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ','now')))"
    )
    database.execute(
        "INSERT INTO gpkg_contents (table_name, data_type, identifier, last_change) "
        "VALUES ('layer_styles', 'attributes', 'layer_styles', ?)",
        (WRITTEN,),
    )
    for layer in given.layers:
        qml = qml_of(layer)
        if qml is not None:
            database.execute(
                "INSERT INTO layer_styles (f_table_catalog, f_table_schema, f_table_name, "
                "f_geometry_column, styleName, styleQML, styleSLD, useAsDefault, description, "
                "owner, update_time) VALUES ('', '', ?, 'geom', ?, ?, '', 1, '', '', ?)",
                (layer, title_zh(layer), qml, WRITTEN),
            )


def qml_of(layer: str) -> str | None:
    """A layer's QGIS style; None where it has no look of its own."""
    if layer in _BY_VALUE:
        kind, column, colours, size = _BY_VALUE[layer]
        chinese = words.messages()["zh"]
        symbols = "".join(
            _symbol(kind, str(number), colour, size, "solid" if kind != "marker" else "circle")
            for number, colour in enumerate(colours.values())
        )
        categories = "".join(
            f"<category value={quoteattr(value)} "
            f"label={quoteattr(chinese.get(f'{_WORDS[layer]}.{value}', value))} "
            f'symbol="{number}" render="true"/>'
            for number, value in enumerate(colours)
        )
        body = (
            f'<renderer-v2 type="categorizedSymbol" attr={quoteattr(column)} enableorderby="0" '
            f'forceraster="0"><categories>{categories}</categories><symbols>{symbols}</symbols>'
            "</renderer-v2>"
        )
    elif layer in _STYLES:
        kind, colour, size, form = _STYLES[layer]
        body = (
            '<renderer-v2 type="singleSymbol" enableorderby="0" forceraster="0"><symbols>'
            f"{_symbol(kind, '0', colour, size, form)}</symbols></renderer-v2>"
        )
    else:
        return None
    return (
        "<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>\n"
        f'<qgis version="3.22" styleCategories="Symbology">{body}</qgis>'
    )


def _symbol(kind: str, name: str, colour: str, size: float, form: str) -> str:
    rgb = ",".join(str(int(colour[at : at + 2], 16)) for at in (1, 3, 5))
    options = {
        "line": {
            "line_color": f"{rgb},255",
            "line_style": form,
            "line_width": str(size),
            "line_width_unit": "MM",
        },
        "fill": {
            "color": f"{rgb},200",
            "outline_color": "90,90,90,255",
            "outline_style": "solid",
            "outline_width": str(size),
            "style": "solid",
        },
        "marker": {
            "name": form,
            "color": f"{rgb},255",
            "outline_color": "255,255,255,255",
            "size": str(size),
            "size_unit": "MM",
        },
    }[kind]
    classes = {"line": "SimpleLine", "fill": "SimpleFill", "marker": "SimpleMarker"}
    filled = "".join(
        f'<Option name={quoteattr(key)} value={quoteattr(value)} type="QString"/>'
        for key, value in options.items()
    )
    return (
        f'<symbol type="{kind}" name="{name}" alpha="1" clip_to_extent="1">'
        f'<layer class="{classes[kind]}" enabled="1" pass="0" locked="0">'
        f'<Option type="Map">{filled}</Option></layer></symbol>'
    )
