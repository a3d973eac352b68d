"""Compiled loops: how the measures hand a loop over arrays to numba.

What belongs here: the one decorator. The loops stand beside what uses them; `flow.warm`
compiles them ahead of their first use. Where nothing can be kept on disk they are compiled anew.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar, cast

import numba

Function = TypeVar("Function", bound=Callable[..., object])


def compiled(function: Function) -> Function:
    """The function compiled on its first call, kept on disk, and run without Python's lock.

    Never with fastmath: ``inf`` and ``NaN`` mean something in every loop. What a loop
    takes together comes as a ``NamedTuple`` of arrays; inside a hot loop give its arrays
    names first, since each look into the tuple counts a reference.
    """
    try:
        return cast(Function, numba.njit(cache=True, nogil=True)(function))
    except RuntimeError:
        # A user who may write neither beside the package nor in a home: compiled at each start.
        return cast(Function, numba.njit(nogil=True)(function))
