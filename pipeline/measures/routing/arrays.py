"""The arrays of the prepared network, and how they are kept.

What belongs here: what each array holds, and the way to files and back. How places come
onto the network belongs to `entry`, the searches to `graph`, making it to `preparation`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from pipeline.measures.routing.access import WEIGHTS, Bools, Floats, Ids, Ints, Mode
from pipeline.measures.routing.hierarchy import Hierarchy

Array = NDArray[Any]
"""An array whose type follows from its name alone."""

Kept = TypeVar("Kept", bound="NetworkArrays")


@dataclass(frozen=True)
class NetworkArrays:
    """The prepared graph: plain arrays that can be memory-mapped; never changed.

    Routing nodes (n, Hilbert order): ``node_id`` OSM ids, ``x``, ``y`` metres,
    ``component`` strong component, 0 the largest. Arcs (m): CSR ``indptr``,
    ``head``, with ``weight`` float64[3, m] by `WEIGHTS`; ``tail``,
    ``arc_chain`` (-1: a turn at a split junction), ``arc_forward``; the reverse
    graph in ``r_*``, whose arcs are ``r_arc``. Chains (c): first segment
    ``chain_start``; routing nodes ``chain_in`` (entered on leaving the chain) and
    ``chain_out`` (from which it is entered), [c, 2]. Segments (s, in chain order,
    drawn along the chain): ``segment_*`` with ``coords`` their vertices.
    ``place_*`` resolves OSM node ids. ``water_*``: outlines of wide waters as ragged
    rings and polygons, and the metres of water that part a place from a road.
    ``hierarchies`` hold the modes that are asked
    for from many places to many; without one plain searches answer.
    """

    node_id: Ids
    x: Floats
    y: Floats
    component: Ints
    is_leaf: Bools
    indptr: Ints
    head: Ints
    tail: Ints
    weight: Floats
    arc_chain: Ints
    arc_forward: Bools
    r_indptr: Ints
    r_head: Ints
    r_weight: Floats
    r_arc: Ints
    r_is_leaf: Bools
    bucket: Floats
    chain_start: Ints
    chain_in: Ints
    chain_out: Ints
    chain_total: Floats
    segment_chain: Ints
    segment_way: Ids
    segment_from: Ids
    segment_to: Ids
    segment_is_flipped: Bools
    segment_is_main: Bools
    segment_is_entered: Bools
    segment_plain: Floats
    segment_start: Floats
    segment_weight: Floats
    segment_block: Ints
    coords: Floats
    coords_start: Ids
    place_id: Ids
    place_node: Ints
    place_node_in: Ints
    place_segment: Ints
    water_coords: Floats
    water_rings: Ids
    water_polygons: Ids
    water_width_m: Floats
    hierarchies: dict[Mode, Hierarchy] = field(default_factory=dict)

    @property
    def n_nodes(self) -> int:
        """Routing nodes, n."""
        return len(self.node_id)

    @property
    def n_arcs(self) -> int:
        """Directed arcs, m."""
        return len(self.head)

    @property
    def n_segments(self) -> int:
        """Road edges used, s."""
        return len(self.segment_chain)

    def to_arrays(self) -> dict[str, Array]:
        """Every array by name, for the store."""
        plain = {name: getattr(self, name) for name in _plain_names()}
        return plain | {
            f"hierarchy_{mode}_{name}": array
            for mode, hierarchy in self.hierarchies.items()
            for name, array in hierarchy.to_arrays().items()
        }

    @classmethod
    def from_arrays(cls: type[Kept], arrays: Mapping[str, Array]) -> Kept:
        """The network again, from (memory-mapped) arrays; nothing is copied.

        Raises
        ------
        KeyError
            If an array is missing: it was saved by another version.
        """
        names = [each.name for each in fields(Hierarchy)]
        hierarchies = {
            mode: Hierarchy(*(frozen(arrays[f"hierarchy_{mode}_{name}"]) for name in names))
            for mode in WEIGHTS
            if f"hierarchy_{mode}_rank" in arrays
        }
        plain = {name: frozen(arrays[name]) for name in _plain_names()}
        return cls(**plain, hierarchies=hierarchies)


def frozen(array: Array) -> Array:
    """A read-only plain view: compiled functions then see one type, memory-mapped or not."""
    view = np.asarray(array).view()
    view.setflags(write=False)
    return view


def _plain_names() -> list[str]:
    return [each.name for each in fields(NetworkArrays) if each.name != "hierarchies"]
