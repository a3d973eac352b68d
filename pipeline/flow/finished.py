"""A finished run, to be read only: its manifest, and layers that are what it recorded.

What belongs here: reading a metro's (or scenario's) folder after its run, for the
verbs that work on finished layers. Every layer is checked against the digest in the
manifest while it is read, so that none is half-written, damaged, or of another run.
Making layers belongs to `runner`, which stages are fresh to `plan`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import pandas as pd
import pyproj
from pydantic import ValidationError

from pipeline.errors import StoreError
from pipeline.flow import plan, store
from pipeline.flow.manifest import Facts, Manifest, read_manifest, recorded_digests
from pipeline.layers import LAYERS
from pipeline.metros.catalogue import Metro
from pipeline.storage import files


@dataclass(frozen=True)
class Finished:
    """The folder of a run, and the manifest of what lies in it."""

    folder: str
    manifest: Manifest

    @classmethod
    def at(cls, folder: str) -> Finished:
        """Read a folder's manifest; an empty one where there is none.

        Raises
        ------
        StoreError
            It is damaged.
        """
        return cls(folder, read_manifest(f"{folder}/manifest.json", damaged=refuse))

    @property
    def facts(self) -> Facts:
        return self.manifest.get("facts", {})

    @property
    def attributions(self) -> list[str]:
        """What is to be said of the rasters that were fetched for the run."""
        fetched = Metro(id="m").with_recorded(self.manifest.get("rasters", {})).fetched
        return [each.attribution for _, each in sorted(fetched.items())]

    def path(self, layer: str) -> str:
        """Where a layer lies; StoreError where a link leads out of the folder."""
        path = f"{self.folder}/{layer}" + ("" if LAYERS[layer].is_folder else ".parquet")
        files.check_inside([(path, self.folder)])
        return path

    def digest(self, layer: str) -> str | None:
        """The recorded digest of a layer; None where no stage recorded it."""
        return recorded_digests(self.manifest["stages"]).get(layer)

    def layer(self, name: str, crs: pyproj.CRS | None = None) -> pd.DataFrame:
        """A layer in WGS84 or in ``crs``; StoreError where it is not what was recorded."""
        return store.read_layer(self.path(name), name, crs, self.digest(name))

    def pieces(self, name: str, crs: pyproj.CRS | None = None) -> Iterator[pd.DataFrame]:
        """A layer piece by piece: one stored in parts never stands in memory whole.

        Its digest is checked first, since no piece may be used before the last is known.
        """
        if not LAYERS[name].is_folder:
            yield self.layer(name, crs)
            return
        expected = self.digest(name)
        if expected is not None and files.digest_of(self.path(name)) != expected:
            raise StoreError(store.damaged(self.path(name)))
        for path in store.parts_of(self.path(name)):
            yield store.read_layer(path, name, crs)

    def arrays(self, name: str) -> store.Arrays:
        """A layer of arrays."""
        return store.read_arrays(self.path(name), self.digest(name))

    def check(self, layers: Iterable[str]) -> None:
        """Refuse layers of a run that did not end: made of others than lie there now.

        Raises
        ------
        StoreError
            Names the first stage that is behind its inputs.
        """
        behind = plan.behind(self.manifest, layers)
        if behind is not None:
            raise StoreError(
                f"{self.folder} is of a run that did not end or is still going on: stage "
                f"{behind.stage}: {behind.why}; run the metro again first"
            )


def metro_of(manifest: Manifest, folder: str) -> Metro:
    """The metro that a run was of, with its parameters then.

    Raises
    ------
    StoreError
        What is recorded of it is not valid, or of another version of this software.
    """
    try:
        metro = Metro.model_validate(manifest.get("metro", {}))
        return metro.with_recorded(manifest.get("rasters", {}))
    except ValidationError as error:
        fault = error.errors()[0]
        place = ".".join(map(str, fault["loc"]))[:200]
        raise StoreError(
            f"the manifest in {folder} records a metro that this version does not know "
            f"({place}: {fault['msg'][:200]}); run the metro again first"
        ) from error


def refuse(why: str) -> None:
    """What is done about a damaged manifest by those who only read.

    Raises
    ------
    StoreError
        With the reason.
    """
    raise StoreError(f"{why}; run the metro again first")
