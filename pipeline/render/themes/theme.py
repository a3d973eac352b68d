"""What a theme is to the page: a name, a folder, the layers that it packs.

How a theme looks and behaves is registered by the scripts of its folder.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib.resources.abc import Traversable

from pipeline.render.page.encode import Layers, PackedLayer
from pipeline.render.page.thinning import Thinning
from pipeline.render.params import MapParams

Pack = Callable[[Layers, MapParams, Thinning], dict[str, PackedLayer]]
"""Layers by name (WGS84, any of them may be empty) to packed layers by the scripts' names."""


def pack_nothing(layers: Layers, params: MapParams, thinning: Thinning) -> dict[str, PackedLayer]:
    """For a theme that shows only what the page has anyway."""
    return {}


@dataclass(frozen=True)
class Theme:
    """One theme of the metro page.

    Attributes
    ----------
    key
        Name of its tab: the message ``theme.<key>``, and what its scripts register.
    folder
        Holds ``words.toml``, where it has words of its own, and its scripts (``*.js``).
    layers
        Names of the layers that `pack` takes.
    pack
        See `Pack`.
    """

    key: str
    folder: Traversable
    layers: tuple[str, ...] = ()
    pack: Pack = pack_nothing
