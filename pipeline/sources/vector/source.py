"""The source `vector`: roads from files that GDAL reads, made into an extract.

What belongs here: when the extract is made anew. How it is made is `convert`'s.
"""

from __future__ import annotations

from pathlib import Path

from pipeline.errors import SourceError
from pipeline.sources.gdal_file import stamp_paths
from pipeline.sources.made import make_extract, recipe_of, why_stale
from pipeline.sources.source import Request, Source
from pipeline.sources.vector.features import files_of


def prepare(request: Request) -> Source:
    """The extract of a metro's `[vector]` table.

    Raises
    ------
    ConfigError, SourceError
        As `convert.write_vector_extract`; a file that does not exist.
    """
    metro, target = request.metro, request.paths.made_extract(request.metro.id, "vector")
    files = files_of(metro)
    missing = [str(each) for each in files if not each.exists()]
    if missing:
        raise SourceError(f"vector file {', '.join(missing)} does not exist")
    recipe = recipe_of(
        "pipeline.sources.vector.convert",
        {
            "metro": metro.id,
            "vector": metro.vector.model_dump(mode="json"),
            "boundaries": metro.boundaries.source,
        },
        [part for each in files for part in stamp_paths(each) if part.is_file()],
    )
    why = why_stale(target, recipe)

    def make(path: Path) -> list[str]:
        from pipeline.sources.vector.convert import write_vector_extract

        request.say(f"reading {', '.join(each.name for each in files)}: {why or 'it is gone'}")
        return write_vector_extract(metro, path)

    notes = make_extract(target, recipe, make, request.is_fetching)
    request.say(f"source: vector files {', '.join(str(each) for each in files)}")
    return Source("vector", (target,), notes=notes)
