"""Compiles ahead of their first use the loops that the measures leave to numba.

What belongs here: one call of each. Those of routing stand in `routing.warm`.
"""

from __future__ import annotations

import numpy as np
import shapely
from scipy.sparse import csr_array

from pipeline.measures.ecology.connectivity import connectivity
from pipeline.measures.geometry import grid
from pipeline.measures.routing.warm import compile_searches


def compile_ahead() -> None:
    """Call once what the stages use compiled; changes nothing but numba's cache.

    Takes some seconds of one core on a new machine; later runs only load the result.
    """
    compile_searches()
    grid.on_grid(np.array([shapely.box(0, 0, 1, 1)], dtype=object), 1e-5)
    connectivity(np.ones(2), csr_array([[0.0, 1.0], [1.0, 0.0]]), 2.0)
