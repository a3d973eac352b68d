"""The source `sample`: the embedded synthetic metro, made where it is not there.

What belongs here: when it is made. What is in it is `pipeline.sample`'s.
"""

from __future__ import annotations

from pathlib import Path

from pipeline.sources.made import make_extract, recipe_of, why_stale
from pipeline.sources.source import Request, Source


def prepare(request: Request) -> Source:
    """The sample of a metro.

    Raises
    ------
    ConfigError, SourceError
        As `pipeline.sample.write.write_sample`.
    """
    metro, target = request.metro, request.paths.sample(request.metro.id)
    request.say(f"source: the embedded sample of {metro.name or metro.id}; ITS ROADS ARE SYNTHETIC")
    source = Source("sample", (target,), is_synthetic=True)
    if not request.is_fetching:
        return source
    recipe = recipe_of(
        "pipeline.sample.write", {"metro": metro.model_dump(mode="json", exclude={"params"})}
    )
    why = why_stale(target, recipe)

    def make(path: Path) -> tuple[str, ...]:
        from pipeline.sample.write import write_sample

        request.say(f"making the sample at {path}: {why or 'it is gone'}")
        write_sample(metro, path)
        return ()

    make_extract(target, recipe, make)
    return source
