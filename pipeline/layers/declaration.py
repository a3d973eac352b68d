"""What a layer is declared with: columns, dtypes, units, geometry type, key and nulls.

The layers themselves are declared in the ``layers.py`` of their concept and gathered
by `registry`. Rules that hold for every layer: on disk geometry is WGS84
longitude/latitude, inside the measures the metro's metric CRS; null means unknown,
never zero; names carry units.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal

import pandas as pd
import pyarrow as pa

Dtype = Literal[
    "str",
    "int8",
    "int32",
    "int64",
    "Int64",
    "float",
    "float32",
    "bool",
    "list_int64",
    "category",
    "bytes",
]

PANDAS_DTYPES: dict[str, str | pd.ArrowDtype] = {
    "str": "str",
    "int8": "int8",
    "int32": "int32",
    "int64": "int64",
    "Int64": "Int64",
    "float": "float64",
    "float32": "float32",
    "bool": "bool",
    "list_int64": pd.ArrowDtype(pa.list_(pa.int64())),
    "category": "category",
    "bytes": pd.ArrowDtype(pa.binary()),
}


@dataclass(frozen=True)
class Column:
    """One column.

    ``values`` lists the only values allowed, ``meanings`` says in Chinese and English what
    each of them means (or is empty); ``null`` says what null means.
    """

    name: str
    dtype: Dtype
    doc: str
    null: str | None = None
    values: tuple[str, ...] = ()
    meanings: tuple[tuple[str, str], ...] = ()

    @property
    def nullable(self) -> bool:
        return self.null is not None


@dataclass(frozen=True)
class Layer:
    """One layer. ``geometry`` is None for a plain table.

    ``kind``: ``result`` layers are the contract with users; ``extract`` layers
    hold what was read from the source, ``work`` layers pass between stages;
    ``review`` layers are made by the verbs that compare finished runs;
    ``arrays`` is a folder of memory-mapped arrays, not a table.
    """

    name: str
    doc: str
    columns: tuple[Column, ...]
    key: tuple[str, ...] = ()
    geometry: str | None = None
    kind: Literal["result", "extract", "work", "review", "arrays"] = "result"
    is_folder: bool = False
    names: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "names", tuple(column.name for column in self.columns))


def built_on(base: Layer, layer: Layer, without: tuple[str, ...]) -> Layer:
    """``layer`` with the columns of ``base`` before its own, but for those named."""
    kept = tuple(column for column in base.columns if column.name not in without)
    return replace(layer, columns=kept + layer.columns)


def text(
    name: str,
    doc: str,
    null: str | None = None,
    values: tuple[str, ...] = (),
    meanings: tuple[tuple[str, str], ...] = (),
) -> Column:
    return Column(name, "str", doc, null, values, meanings)


def number(name: str, doc: str, null: str | None = None) -> Column:
    return Column(name, "float", doc, null)


def identifier(name: str, doc: str, null: str | None = None) -> Column:
    return Column(name, "int64" if null is None else "Int64", doc, null)


def flag(name: str, doc: str) -> Column:
    return Column(name, "bool", doc)


UNNAMED = "no name in the source"
NOT_IN_CITY = "outside the analysed cities"
BORDER = text("border_id", "`<city>-<city>`, the two ids sorted (counties, at county level)")
CITY = text("city_id", "id of the city it lies in", NOT_IN_CITY)
