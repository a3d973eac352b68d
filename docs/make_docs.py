"""Writes the pages that come from code: data dictionary, parameters, indicators,
sources, drawing of the package.

`make docs` runs it; a test compares the pages with what it would write.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import house

from pipeline.compare.params import CompareParams
from pipeline.layers import LAYERS, Column, Layer
from pipeline.layers import dictionary as zh
from pipeline.measures.integration.kinds import INDICATORS, Indicator
from pipeline.metros.config import DEPENDENCIES, Params
from pipeline.render.page.words import messages
from pipeline.sources.kinds import AUTO, KINDS, SourceKind
from pipeline.terms import DIMENSIONS

FOLDER = Path(__file__).parent

Schema = dict[str, Any]
"""A piece of JSON Schema, as pydantic gives it."""

HEADER = """# Data dictionary

Made from the `layers.py` of the concepts by `make docs`; do not edit by hand.
中文：[data-dictionary.zh.md](data-dictionary.zh.md)

Every layer is one file `data/processed/<metro>/<layer>.parquet` (or a folder of parts, where it
says so). Geometry is WGS84 longitude/latitude. Column names carry units. Null means unknown, never
zero. Each file's metadata names the metro, the source, the OSM snapshot date, and whether the roads
are synthetic.
"""

GROUPS = (
    ("result", "Results"),
    ("extract", "What was read from the source"),
    ("review", "Scenarios and comparisons"),
    ("work", "Between stages"),
    ("arrays", "Arrays"),
)


def dictionary() -> str:
    """The whole page as Markdown."""
    parts = [HEADER]
    for kind, title in GROUPS:
        parts.append(f"\n## {title}\n")
        parts += [_section(layer) for layer in LAYERS.values() if layer.kind == kind]
    return "".join(parts)


HEADER_ZH = """# 数据字典

由 `make docs` 根据 各概念的 `layers.py` 与 `pipeline/layers/dictionary.toml` 生成，请勿手工修改。
English: [data-dictionary.md](data-dictionary.md)

每个图层是一个文件 `data/processed/<metro>/<layer>.parquet`（注明者为分片文件夹）。
几何为 WGS84 经纬度，列名含单位。空值表示未知，绝不等于零。
每个文件的元数据注明都市圈、数据来源、OSM 数据日期，以及道路是否为虚构样例。
表头即 `metro-integration export --format xlsx` 所用的中文表头。
"""

GROUPS_ZH = (
    ("result", "结果图层"),
    ("extract", "读自数据源"),
    ("review", "情景与对比"),
    ("work", "阶段之间"),
    ("arrays", "数组"),
)


def dictionary_zh() -> str:
    """The whole page in Chinese, as Markdown."""
    parts = [HEADER_ZH]
    for kind, title in GROUPS_ZH:
        parts.append(f"\n## {title}\n")
        parts += [_section_zh(layer) for layer in LAYERS.values() if layer.kind == kind]
    return "".join(parts)


def _section_zh(layer: Layer) -> str:
    shape = layer.geometry or ("数组" if layer.kind == "arrays" else "无几何")
    form = f"{shape}；分片文件夹" if layer.is_folder else shape
    key = f"；主键：{'、'.join(layer.key)}" if layer.key else ""
    doc = zh.text_zh(layer.doc)
    lines = [
        f"\n### {layer.name} {zh.title_zh(layer.name)}\n\n{_text(doc)}（{_text(form)}{key}）\n"
    ]
    if layer.columns:
        lines.append("\n| 列名 | 表头 | 类型 | 含义 | 空值含义 |\n|---|---|---|---|---|\n")
    for column in layer.columns:
        null = _text(zh.null_zh(column)) or "不为空"
        lines.append(
            f"| {column.name} | {zh.heading_zh(column.name)} | {column.dtype} "
            f"| {_text(zh.meaning_zh(column))} | {null} |\n"
        )
    return "".join(lines)


def _section(layer: Layer) -> str:
    shape = layer.geometry or ("arrays" if layer.kind == "arrays" else "no geometry")
    form = f"{shape}; a folder of parts" if layer.is_folder else shape
    key = f" Key: {', '.join(layer.key)}." if layer.key else ""
    lines = [f"\n### {layer.name}\n\n{_text(layer.doc)} ({_text(form)}.{key})\n"]
    if layer.columns:
        lines.append("\n| column | type | meaning | null means |\n|---|---|---|---|\n")
    for column in layer.columns:
        null = column.null or "never null"
        doc = _text(column.doc) + _text(_values(column))
        lines.append(f"| {column.name} | {column.dtype} | {doc} | {_text(null)} |\n")
    return "".join(lines)


def _values(column: Column) -> str:
    """The values allowed, each with its meaning where the layer gives them."""
    if not column.values:
        return ""
    if not column.meanings:
        return f" One of: {', '.join(column.values)}."
    pairs = zip(column.values, column.meanings, strict=True)
    return f" One of: {'; '.join(f'{value} ({en})' for value, (_, en) in pairs)}."


def _text(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;").replace(">", "&gt;")


PARAMETERS_HEADER = """# Parameters

Made from the `params.py` of the concepts by `make docs`; do not edit by hand.

A metro file sets them under `[params.<section>]`, the command line with
`--set <section>.<key>=<value>`. "check" marks a default that is a proposal rather than a
published figure. Those of `compare` are set by its `--set` alone. What is not allowed is refused
with exit code 2, in a line that names the key.
"""

DEPENDENCIES_HEADER = """
## Keys that depend on one another

A setting that breaks a row is refused with an error that names both keys.

| key | | else |
|---|---|---|
"""


def parameters() -> str:
    """The page of all parameters as Markdown."""
    parts = [PARAMETERS_HEADER]
    sections = {section: field.default for section, field in Params.model_fields.items()}
    for section, model in (sections | {"compare": CompareParams()}).items():
        parts.append(f"\n## {section}\n\n{_text((type(model).__doc__ or '').strip())}\n")
        schemas = type(model).model_json_schema()["properties"]
        parts.append("\n| key | default | allowed | meaning |\n|---|---|---|---|\n")
        for key, info in type(model).model_fields.items():
            cells = (key, _default(info.default), allowed(schemas[key]), info.description or "")
            parts.append(f"| {' | '.join(_text(cell) for cell in cells)} |\n")
    parts.append(DEPENDENCIES_HEADER)
    for each in DEPENDENCIES:
        right = f"`{each.right}`" if "." in each.right else each.right
        parts.append(f"| `{each.left}` | {each.must}{right} | {each.otherwise} |\n")
    return "".join(parts)


def _default(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {_default(each)}" for key, each in value.items())
    if isinstance(value, tuple):
        return " / ".join(_default(each) for each in value)
    return f"{value:g}" if isinstance(value, float) else str(value)


def allowed(schema: Schema) -> str:
    """What a value may be: ``above 0, to 500``, ``0 to 1``, the names on offer.

    Of lists and tables it is what each of their values may be.
    """
    inner = [
        *schema.get("prefixItems", []),
        schema.get("items"),
        schema.get("additionalProperties"),
    ]
    of_each = list(dict.fromkeys(allowed(each) for each in inner if each))
    if of_each:
        return f"each {' / '.join(of_each)}".replace("each each", "each")
    if "enum" in schema:
        return ", ".join(schema["enum"])
    if schema["type"] == "boolean":
        return "true, false"
    least, above = schema.get("minimum"), schema.get("exclusiveMinimum")
    most, below = schema.get("maximum"), schema.get("exclusiveMaximum")
    begin = _number(least) if above is None else f"above {_number(above)},"
    end = f"to {_number(most)}" if below is None else f"to below {_number(below)}"
    return f"{begin} {end}{', whole' if schema['type'] == 'integer' else ''}"


def _number(value: float) -> str:
    """A bound, without the figures that nobody reads of a power of two."""
    return f"{value:.10g}"


def architecture() -> str:
    """The drawing of the package, from its imports."""
    return house.draw()


INDICATORS_BEGIN = "<!-- indicators: made by `make docs` from kinds.py; do not edit by hand -->\n"
INDICATORS_END = "<!-- end of indicators -->\n"
INDICATORS_HEAD = (
    "| indicator | 中文 | unit | scores 5 at | scores 95 at | weight | reason | read from |\n"
    "|---|---|---|---|---|---|---|---|\n"
)


def index() -> str:
    """The page of the index as it is written, with the table of indicators of today."""
    return _with_table("index.md", INDICATORS_BEGIN, indicators(), INDICATORS_END)


def indicators() -> str:
    """The tables of indicators by dimension, as Markdown."""
    words = messages()
    parts = []
    for name in DIMENSIONS:
        title = " ".join(words[language][f"dimension.{name}"] for language in ("en", "zh"))
        parts.append(f"\n### {title}\n\n{INDICATORS_HEAD}")
        parts += [_indicator(each) for each in INDICATORS if each.dimension == name]
    return "".join(parts) + "\n"


def _indicator(each: Indicator) -> str:
    cells = (
        f"`{each.name}`",
        each.zh,
        each.unit.name,
        f"{each.worst:g}",
        f"{each.best:g}",
        f"{each.weight:g}",
        each.reason,
        ", ".join(each.layers),
    )
    return f"| {' | '.join(_text(cell) for cell in cells)} |\n"


SOURCES_BEGIN = "<!-- sources: made by `make docs` from kinds.py; do not edit by hand -->\n"
SOURCES_END = "<!-- end of sources -->\n"
SOURCES_HEAD = (
    "| `--source` | reads | network | licence that layers and pages name |\n|---|---|---|---|\n"
)


def sources() -> str:
    """The page of sources as it is written, with the table of kinds of today."""
    return _with_table("sources.md", SOURCES_BEGIN, source_table(), SOURCES_END)


def source_table() -> str:
    """The table of kinds of source, as Markdown; ``auto`` first, in words made of the rows."""
    order = "; else ".join(
        f"if no server can be reached: {each.reads.en}" if each.is_fallback else each.reads.en
        for each in KINDS
        if each.is_in_auto
    )
    first = f"| `{AUTO}` (default) | {order} | as the one taken | that of the one taken |\n"
    return "".join(["\n", SOURCES_HEAD, first, *map(_source_kind, KINDS), "\n"])


def _source_kind(each: SourceKind) -> str:
    cells = (f"`{each.name}`", each.reads.en, each.network.en, each.licence.en)
    return f"| {' | '.join(cells)} |\n"


def _with_table(name: str, begin: str, table: str, end: str) -> str:
    """A page as it is written, with a table in place of the one between two marks."""
    written = (FOLDER / name).read_text(encoding="utf-8")
    before, rest = written.split(begin)
    _, after = rest.split(end)
    return before + begin + table + end + after


PAGES = {
    "data-dictionary.md": dictionary,
    "data-dictionary.zh.md": dictionary_zh,
    "parameters.md": parameters,
    "index.md": index,
    "sources.md": sources,
    "architecture.svg": architecture,
}

if __name__ == "__main__":
    for name, make in PAGES.items():
        (FOLDER / name).write_text(make(), encoding="utf-8")
