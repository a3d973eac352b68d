"""A folder with one CSV per layer, UTF-8 with a byte order mark so that Excel shows Chinese.

Column names are the contract's; `columns.csv` explains them in both languages.
Geometry becomes two coordinate columns. A text that a spreadsheet would take for
a formula gets an apostrophe before it.
"""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import pandas as pd

from pipeline.exports.layer_set import LayerSet, lon_lat_columns, without_formula
from pipeline.layers import LAYERS
from pipeline.layers.dictionary import heading_zh, meaning_zh, null_zh

_ENCODING = "utf-8-sig"


def write_csv(given: LayerSet, folder: Path) -> tuple[dict[str, int], list[str]]:
    """Write all layers of a set as CSV files into a new folder."""
    folder.mkdir()
    rows = {layer: _write_layer(given, layer, folder / f"{layer}.csv") for layer in given.layers}
    table = pd.DataFrame(
        [
            (layer, c.name, heading_zh(c.name), c.dtype, meaning_zh(c), null_zh(c), c.doc, c.null)
            for layer in given.layers
            for c in LAYERS[layer].columns
        ],
        columns=["layer", "column", "表头", "type", "含义", "空值含义", "meaning", "null means"],
    )
    _safe(table).to_csv(folder / "columns.csv", index=False, encoding=_ENCODING)
    about = pd.DataFrame(given.about, columns=["item", "text"])
    _safe(about).to_csv(folder / "about.csv", index=False, encoding=_ENCODING)
    return rows, []


def _write_layer(given: LayerSet, layer: str, path: Path) -> int:
    count = 0
    for piece in given.pieces(layer):
        table = pd.DataFrame(piece).drop(columns="geometry", errors="ignore")
        if isinstance(piece, gpd.GeoDataFrame):
            names, values = lon_lat_columns(piece)
            table[names[0]], table[names[1]] = values
        first = count == 0
        _safe(table).to_csv(
            path,
            index=False,
            header=first,
            mode="w" if first else "a",
            encoding=_ENCODING if first else "utf-8",
            lineterminator="\r\n",
        )
        count += len(table)
    return count


def _safe(table: pd.DataFrame) -> pd.DataFrame:
    safe = table.copy()
    for name in safe.columns:
        column = safe[name]
        if isinstance(column.dtype, pd.CategoricalDtype):
            continue
        if not pd.api.types.is_string_dtype(column.dtype):
            continue
        begins = column.str.slice(0, 1).isin(list("=+-@\t\r\n")).fillna(False).to_numpy(bool)
        if begins.any():
            safe[name] = column.where(~begins, column.map(without_formula, na_action="ignore"))
    return safe
