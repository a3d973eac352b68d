"""Writes the pages that come from code: data dictionary and parameters.

`make docs` runs it; a test compares the pages with what it would write.
"""

from __future__ import annotations

from pathlib import Path

from pipeline.config import Params
from pipeline.schemas import LAYERS, Layer

FOLDER = Path(__file__).parent

HEADER = """# Data dictionary

Made from `pipeline/schemas.py` by `make docs`; do not edit by hand.

Every layer is one file `data/processed/<metro>/<layer>.parquet` (or a folder of parts, where it
says so). Geometry is WGS84 longitude/latitude. Column names carry units. Null means unknown, never
zero. Each file's metadata names the metro, the source, the OSM snapshot date, and whether the roads
are synthetic.
"""

GROUPS = (
    ("result", "Results"),
    ("extract", "What was read from the source"),
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


def _section(layer: Layer) -> str:
    shape = layer.geometry or ("arrays" if layer.kind == "arrays" else "no geometry")
    form = f"{shape}; a folder of parts" if layer.is_folder else shape
    key = f" Key: {', '.join(layer.key)}." if layer.key else ""
    lines = [f"\n### {layer.name}\n\n{_text(layer.doc)} ({_text(form)}.{key})\n"]
    if layer.columns:
        lines.append("\n| column | type | meaning | null means |\n|---|---|---|---|\n")
    for column in layer.columns:
        values = f" One of: {', '.join(column.values)}." if column.values else ""
        null = column.null or "never null"
        doc = _text(column.doc) + _text(values)
        lines.append(f"| {column.name} | {column.dtype} | {doc} | {_text(null)} |\n")
    return "".join(lines)


def _text(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;").replace(">", "&gt;")


PARAMETERS_HEADER = """# Parameters

Made from `pipeline/config.py` by `make docs`; do not edit by hand.

A metro file sets them under `[params.<section>]`, the command line with
`--set <section>.<key>=<value>`. "check" marks a default that is a proposal rather than a
published figure.
"""


def parameters() -> str:
    """The page of all parameters as Markdown."""
    parts = [PARAMETERS_HEADER]
    for section, field in Params.model_fields.items():
        model = field.default
        parts.append(f"\n## {section}\n\n{_text((type(model).__doc__ or '').strip())}\n")
        parts.append("\n| key | default | meaning |\n|---|---|---|\n")
        for key, info in type(model).model_fields.items():
            parts.append(
                f"| {key} | {_default(info.default)} | {_text(info.description or '')} |\n"
            )
    return "".join(parts)


def _default(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {_default(each)}" for key, each in value.items())
    if isinstance(value, tuple):
        return " / ".join(_default(each) for each in value)
    return f"{value:g}" if isinstance(value, float) else str(value)


PAGES = {"data-dictionary.md": dictionary, "parameters.md": parameters}

if __name__ == "__main__":
    for name, make in PAGES.items():
        (FOLDER / name).write_text(make(), encoding="utf-8")
