"""One workbook with a sheet per layer, Chinese headings, and a sheet that explains the columns.

Geometry becomes two coordinate columns. Text is written as text: no name from
OSM becomes a formula or a link. A layer with more rows than a sheet holds is
left out and named on the first sheet.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TypeAlias

import geopandas as gpd
import numpy as np
import pandas as pd
import xlsxwriter
from numpy.typing import NDArray
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from pipeline.exports.layer_set import LayerSet, lon_lat_columns
from pipeline.layers import LAYERS
from pipeline.layers.dictionary import heading_zh, meaning_zh, null_zh, text_zh, title_zh

MOST_ROWS = 1_048_575
"""Rows of a sheet below its heading."""
MOST_CHARACTERS = 32_767
EXPLAINED = "说明"

COORDINATES = {
    "lon": ("经度", "of the point, or of a point on the line or inside the area, degrees"),
    "lat": ("纬度", "as lon"),
    "x_m": ("东坐标（米）", "easting of the point, or of a point on the line or inside the area"),
    "y_m": ("北坐标（米）", "northing, as x_m"),
}


Column: TypeAlias = "pd.Series | NDArray[np.float64]"


def workbook_options(path: Path) -> dict[str, object]:
    """Options of every workbook: text of others stays text, what is left goes with its folder."""
    return {
        # Else what is to be packed waits in the system's folder, where a kill would leave it.
        "tmpdir": str(path.parent),
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
        "nan_inf_to_errors": False,
    }


def write_xlsx(given: LayerSet, path: Path) -> tuple[dict[str, int], list[str]]:
    """Write all layers of a set into one workbook."""
    rows: dict[str, int] = {}
    left_out: list[str] = []
    with xlsxwriter.Workbook(str(path), workbook_options(path) | {"constant_memory": True}) as book:
        # Else the time of writing: the same layers give the same bytes.
        book.set_properties({"created": datetime(2000, 1, 1)})
        heading = book.add_format(
            {"bold": True, "text_wrap": True, "valign": "top", "bottom": 1, "bg_color": "#eef2f6"}
        )
        explained = book.add_worksheet(EXPLAINED)
        for layer in given.layers:
            frame = None if LAYERS[layer].is_folder else given.frame(layer)
            if frame is None or len(frame) > MOST_ROWS:
                left_out.append(layer)
                continue
            rows[layer] = _write_sheet(book.add_worksheet(title_zh(layer)), frame, heading)
        _explain(explained, given, list(rows), left_out, heading)
    notes = [f"{layer} is left out: too long for a sheet; export it as csv" for layer in left_out]
    return rows, notes


def _write_sheet(sheet: Worksheet, frame: pd.DataFrame, heading: Format) -> int:
    names, columns = _columns(frame)
    titles = [COORDINATES[n][0] if n in COORDINATES else heading_zh(n) for n in names]
    sheet.freeze_panes(1, 0)
    for number, title in enumerate(titles):
        sheet.set_column(number, number, min(max(2 * len(title) + 2, 11), 36))
    if len(frame):
        sheet.autofilter(0, 0, len(frame), len(names) - 1)
    for number, title in enumerate(titles):
        sheet.write_string(0, number, title, heading)
    writers = [_cell_writer(sheet, column) for column in columns]
    values = [column.tolist() for column in columns]
    for row in range(len(frame)):
        for number, write in enumerate(writers):
            value = values[number][row]
            # NaN is the one value that differs from itself: null stays an empty cell.
            if value is not None and value is not pd.NA and value == value:
                write(row + 1, number, value)
    return len(frame)


def _columns(frame: pd.DataFrame) -> tuple[list[str], list[Column]]:
    names = [name for name in frame.columns if name != "geometry"]
    columns: list[Column] = [frame[name] for name in names]
    if isinstance(frame, gpd.GeoDataFrame):
        more, values = lon_lat_columns(frame)
        names, columns = names + more, columns + values
    return names, columns


def _cell_writer(sheet: Worksheet, column: Column) -> Callable[..., int | None]:
    if column.dtype == "bool":
        return sheet.write_boolean
    if isinstance(column, np.ndarray) or pd.api.types.is_numeric_dtype(column.dtype):
        return lambda row, at, value: (
            # Excel keeps 15 digits: a longer id would change.
            sheet.write_number(row, at, value)
            if abs(value) < 1e15
            else sheet.write_string(row, at, str(value))
        )
    return lambda row, at, value: sheet.write_string(row, at, str(value)[:MOST_CHARACTERS])


def _explain(
    sheet: Worksheet, given: LayerSet, layers: list[str], left_out: list[str], heading: Format
) -> None:
    """The sheet that explains the others: source and licence, then every column."""
    sheet.set_column(0, 1, 22)
    sheet.set_column(2, 3, 26)
    sheet.set_column(4, 6, 60)
    too_long = "行数过多，请导出为 CSV too long for a sheet, export it as csv"
    lines = [list(pair) for pair in given.about]
    lines += [[f"未列出 left out: {layer}", too_long] for layer in left_out]
    lines.append([])
    first = len(lines)
    lines.append(
        ["工作表 sheet", "图层 layer", "表头 heading", "列名 column", "含义", "空值含义", "meaning"]
    )
    for layer in layers:
        lines += _explained(layer, ("lon", "lat") if given.crs.is_geographic else ("x_m", "y_m"))
    for row, line in enumerate(lines):
        for at, text in enumerate(line):
            sheet.write_string(row, at, text, *([heading] if row == first else []))


def _explained(layer: str, coordinates: tuple[str, str]) -> list[list[str]]:
    """A line on a layer, and one per column of its sheet."""
    declared = LAYERS[layer]
    lines = [[title_zh(layer), layer, "", "", text_zh(declared.doc), "", declared.doc]]
    for column in declared.columns:
        null = null_zh(column) or "不为空"
        heading = heading_zh(column.name)
        lines.append(["", layer, heading, column.name, meaning_zh(column), null, column.doc])
    if declared.geometry is not None:
        where = "点的坐标；线取其中点，面取其内一点"
        for name in coordinates:
            heading, meaning = COORDINATES[name]
            lines.append(["", layer, heading, name, where, "不为空", meaning])
    return lines
