"""Writes docs/data-dictionary.md from the schemas. `make docs` runs it; a test compares."""

from __future__ import annotations

from pathlib import Path

from pipeline.schemas import LAYERS, Layer

TARGET = Path(__file__).parent / "data-dictionary.md"

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


if __name__ == "__main__":
    TARGET.write_text(dictionary(), encoding="utf-8")
