"""A finished run of a comparison, in a folder given by its path."""

from __future__ import annotations

import pandas as pd
import pyproj

from pipeline.compare.matching import Side
from pipeline.errors import StoreError
from pipeline.flow.finished import Finished, metro_of
from pipeline.measures.routing.graph import RoutingNetwork
from pipeline.scenario import changes
from pipeline.storage.paths import absolute

SIDE = ("dead_ends", "missing_links", "roads", "road_ends", "railways")
COMPARED = (*SIDE, "routing_network", "cities", *changes.LAYERS_NEEDED)
"""Layers that are read of both runs."""


class ComparedRun(Finished):
    """A finished run whose compared layers belong together."""

    @classmethod
    def at(cls, folder: str) -> ComparedRun:
        """Read a folder.

        Raises
        ------
        StoreError
            It holds no finished run, or one whose layers do not belong together.
        """
        found = Finished.at(absolute(folder))
        if "centre" not in found.facts or not {"metro", "source"} <= set(found.manifest):
            raise StoreError(
                f"{folder} holds no finished run; expected a folder like data/processed/<metro>"
            )
        run = cls(found.folder, found.manifest)
        metro_of(run.manifest, folder)
        run.check(COMPARED)
        return run

    @property
    def metro_id(self) -> str:
        return str(self.manifest["metro"]["id"])

    def side(self, crs: pyproj.CRS) -> Side:
        """The layers whose ends and links are matched, in a metric CRS."""
        layers = {name: self.layer(name, crs) for name in SIDE}
        network = RoutingNetwork.from_arrays(self.arrays("routing_network"))
        return Side(**layers, network=network)

    def figures(self) -> dict[str, pd.DataFrame]:
        """The layers whose figures are compared, by name."""
        optional = [each for each in changes.OPTIONAL_LAYERS if self.digest(each) is not None]
        return {name: self.layer(name) for name in (*changes.LAYERS_NEEDED, *optional)}
