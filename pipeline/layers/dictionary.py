"""The data dictionary's words in both languages: titles, headings, meanings.

What a layer and its columns are called and mean in Chinese belongs here, read
from ``dictionary.toml`` by the English wording of the declarations, which stays the
source. Pages and exports that show columns ask here.
"""

from __future__ import annotations

import re
import tomllib
from functools import cache
from pathlib import Path

from pipeline.layers import LAYERS, Column

_FILE = Path(__file__).with_suffix(".toml")
_PATTERN = re.compile(r"`<[^`]*>`")


def title_zh(layer: str) -> str:
    """Chinese title of a layer; its own name where there is none."""
    return _words()["layers"].get(layer, layer)


def heading_zh(column: str) -> str:
    """Chinese heading of a column; its own name where there is none."""
    return _words()["columns"].get(column, column)


def text_zh(text: str) -> str:
    """A text of the declarations in Chinese; the English one where nobody translated it."""
    if text.startswith("tag ") and " " not in text[4:]:
        return f"标签 {text[4:]}"
    return _words()["texts"].get(text, text)


def meaning_zh(column: Column) -> str:
    """What a column means, with the values allowed."""
    if column.meanings:
        pairs = zip(column.values, column.meanings, strict=True)
        values = "；".join(f"{value}（{zh}）" for value, (zh, _) in pairs)
    else:
        values = "、".join(column.values)
    return text_zh(column.doc) + (f"。取值：{values}" if values else "")


def null_zh(column: Column) -> str:
    """What null means in a column; empty where it is never null."""
    return text_zh(column.null) if column.null else ""


def untranslated() -> list[str]:
    """Titles, headings and texts of the declarations that have no Chinese."""
    words = _words()
    columns = {column.name for layer in LAYERS.values() for column in layer.columns}
    missing = [name for name in LAYERS if name not in words["layers"]]
    missing += sorted(name for name in columns if name not in words["columns"])
    return missing + [t for t in _texts() if t not in words["texts"] and not _needs_none(t)]


def left_over() -> list[str]:
    """Entries of the Chinese file that nothing in the declarations asks for any more."""
    words = _words()
    columns = {column.name for layer in LAYERS.values() for column in layer.columns}
    extra = [name for name in words["layers"] if name not in LAYERS]
    extra += [name for name in words["columns"] if name not in columns]
    return extra + sorted(set(words["texts"]) - set(_texts()))


def _texts() -> list[str]:
    found: dict[str, None] = {}
    for layer in LAYERS.values():
        found[layer.doc] = None
        for column in layer.columns:
            found[column.doc] = None
            if column.null:
                found[column.null] = None
    return list(found)


def _needs_none(text: str) -> bool:
    is_tag = text.startswith("tag ") and " " not in text[4:]
    return is_tag or _PATTERN.fullmatch(text) is not None


@cache
def _words() -> dict[str, dict[str, str]]:
    with _FILE.open("rb") as stream:
        return tomllib.load(stream)
