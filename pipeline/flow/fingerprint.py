"""What a run reads, by digest: the files of the source and of the metro file."""

from __future__ import annotations

from pipeline.errors import SourceError, without_secrets
from pipeline.flow.recipe import Fingerprint
from pipeline.flow.stages import STAGES
from pipeline.metros.catalogue import Metro
from pipeline.sources.source import Source
from pipeline.sources.stamps import stamp_of
from pipeline.storage.digests import digest_by_path


def fingerprint_of(metro: Metro, source: Source) -> Fingerprint:
    """The fingerprint of a resolved source: its kind, and every file's digest by its path.

    Raises
    ------
    SourceError
        A table of the metro file names a file that does not exist.
    """
    tables = sorted({name for stage in STAGES for name in stage.tables})
    return {
        "kind": source.kind,
        "files": digest_by_path(source.files),
        "polys": digest_by_path(source.polys),
        "tables": {
            name: {
                without_secrets(each): _stamp(metro, name, each) for each in metro.files_of(name)
            }
            for name in tables
        },
    }


def _stamp(metro: Metro, table: str, name: str) -> str:
    stamp = stamp_of(metro.locate(name))
    if stamp is None:
        raise SourceError(f"[{table}] names {name}, which does not exist; expected a file or URL")
    return stamp
