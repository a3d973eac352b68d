"""Outlines of the patches of equal cells in a grid, traced along the cells' edges.

What belongs here: the tracing, in rows and columns. What the codes mean and where the
grid lies belongs to `cover`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from pipeline.compiled import compiled

Ints = NDArray[np.int64]
Codes = NDArray[np.uint8]


def outline_classes(codes: Codes) -> tuple[Ints, Ints, Ints, Codes]:
    """Outlines of the patches of equal cells that hang together by their sides.

    Returns
    -------
    Corners as (row, column) of the grid's lattice, offsets of the rings in them,
    offsets of the polygons in the rings (the outer ring first), and each
    polygon's code. Wherever three patches meet, all of them have a corner.
    """
    labels = np.zeros(codes.shape, dtype=np.int32)
    code_of: list[int] = []
    for code in np.unique(codes):
        found, count = ndimage.label(codes == code)
        labels += np.where(found > 0, found + len(code_of), 0).astype(np.int32)
        code_of += [code] * count
    corners, offsets, owner, signed_area = _trace(np.pad(labels, 1))
    # Every patch has one ring that runs clockwise, its outer one.
    ring = np.lexsort((signed_area < 0, owner))
    length = np.diff(offsets)[ring]
    rings = np.concatenate([[0], np.cumsum(length)])
    start = np.repeat(offsets[ring] - rings[:-1], length)
    polygons = np.append(np.flatnonzero(np.diff(owner[ring], prepend=0)), len(ring))
    return (
        corners[start + np.arange(len(corners))],
        rings,
        polygons,
        np.array(code_of, dtype=np.uint8),
    )


@compiled
def _trace(labels: NDArray[np.int32]) -> tuple[Ints, Ints, Ints, Ints]:
    """Rings around the labelled patches of a grid that has a rim of zeros.

    A ring keeps its own patch on the right. Where two cells of a patch meet at a
    corner only, it crosses over to the other, so that a ring never touches itself.
    Directions: 0 east along a cell's upper side, 1 south, 2 west, 3 north.
    """
    height, width = labels.shape
    row_step = (-1, 0, 1, 0)
    column_step = (0, 1, 0, -1)
    is_done = np.zeros((height, width, 4), dtype=np.bool_)
    count = 0
    for row in range(1, height - 1):
        for column in range(1, width - 1):
            for side in range(4):
                if labels[row, column] != labels[row + row_step[side], column + column_step[side]]:
                    count += 1
    corners = np.empty((2 * count + 1, 2), dtype=np.int64)
    offsets = np.zeros(count + 1, dtype=np.int64)
    owner = np.empty(count, dtype=np.int64)
    signed_area = np.empty(count, dtype=np.int64)
    used, rings = 0, 0
    for first_row in range(1, height - 1):
        for first_column in range(1, width - 1):
            label = labels[first_row, first_column]
            for first_side in (0, 2):
                across = labels[
                    first_row + row_step[first_side], first_column + column_step[first_side]
                ]
                if across == label or is_done[first_row, first_column, first_side]:
                    continue
                row, column, side = first_row, first_column, first_side
                begun, area = used, 0
                while not is_done[row, column, side]:
                    is_done[row, column, side] = True
                    # The corner ahead, and the cells ahead on the left and right of it.
                    ahead = (side + 1) % 4
                    corner_row = row + (1 if side in (1, 2) else 0)
                    corner_column = column + (1 if side in (0, 1) else 0)
                    right_row, right_column = row + row_step[ahead], column + column_step[ahead]
                    left_row = right_row + row_step[side]
                    left_column = right_column + column_step[side]
                    beside = labels[row + row_step[side], column + column_step[side]]
                    is_corner = True
                    if labels[left_row, left_column] == label:
                        row, column, turned = left_row, left_column, (side + 3) % 4
                    elif labels[right_row, right_column] == label:
                        row, column, turned = right_row, right_column, side
                        along = corner_column if side in (0, 2) else corner_row
                        is_corner = labels[left_row, left_column] != beside or along % 32 == 0
                    else:
                        turned = ahead
                    if side == 0:
                        area += -corner_row
                    elif side == 2:
                        area += corner_row
                    side = turned
                    if is_corner:
                        corners[used, 0], corners[used, 1] = corner_row - 1, corner_column - 1
                        used += 1
                corners[used] = corners[begun]
                used += 1
                rings += 1
                offsets[rings] = used
                owner[rings - 1] = label
                signed_area[rings - 1] = area
    return corners[:used], offsets[: rings + 1], owner[:rings], signed_area[:rings]
