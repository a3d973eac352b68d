"""Streets inside settlements: warped, rotated lattices with holes and dead ends.

What belongs here: the street pattern of one built-up place, from a metropolis
to a village. Roads between places belong to `country`. The pattern is a lattice
of unevenly spaced lines, a few of them arterial, bent so that outer ones turn
round the centre; local streets fill some of the superblocks between arterials,
and lose edges so that T-junctions and dead ends appear in natural numbers.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from pipeline.sample.lines import CODE, Lines, make_lines

Floats = NDArray[np.float64]

BLOCK_M = 87.0
"""Mean distance of neighbouring lattice lines."""
_LINES_PER_SUPERBLOCK = 5
_DELETED_SHARE = 0.15
_DELETED_AFTER_ARTERIAL_SHARE = 0.76
_DELETED_BEFORE_ARTERIAL_SHARE = 0.10
_HALVED_SHARE = 0.04
_LIVING_STREET_SHARE = 0.045


@dataclass(frozen=True)
class Fabric:
    """The streets of one settlement, its outline, and where country roads may join."""

    lines: Lines
    outline: shapely.Polygon
    gates: Floats
    """Outer ends of its arterials, (n, 2) metres; the centre node when it has none."""
    gate_cls: NDArray[np.int64]
    """Class of the arterial of each gate."""
    centre: Floats
    radius_m: float


def weave(
    centre: Floats, radius_m: float, fill: float, rng: np.random.Generator, *, grandeur: int
) -> Fabric:
    """Weave the streets of one place.

    Parameters
    ----------
    centre, radius_m
        Where and how large, metres.
    fill
        Share of superblocks that have local streets.
    grandeur
        0 village, 1 town, 2 county seat, 3 city: how high its arterials rank.
    """
    u, v = _positions(radius_m, rng), _positions(radius_m, rng)
    cls_u, cls_v = _line_classes(u, grandeur, rng), _line_classes(v, grandeur, rng)
    gu, gv = np.meshgrid(u, v, indexing="ij")
    inside = _inside(gu, gv, radius_m, rng)
    xy = _bend(gu, gv, centre, radius_m, rng, grandeur)
    filled = _filled(u, v, cls_u, cls_v, radius_m, fill, rng)
    a, b, cls, lit = _edges(inside, cls_u, cls_v, filled)
    lines = _to_lines(xy.reshape(-1, 2), a[lit], b[lit], cls[lit], rng)
    gates, gate_cls = _gates(xy, inside, cls_u, cls_v)
    hull = shapely.convex_hull(shapely.multipoints(xy[inside])) if inside.any() else None
    middle = np.abs(gu - 0).argmin(axis=0)[0], np.abs(gv).argmin(axis=1)[0]
    centre_node = xy[middle]
    if not len(gates):
        gates, gate_cls = centre_node[None], np.array([CODE["unclassified"]])
    outline = hull if hull is not None and hull.area > 0 else shapely.Point(centre).buffer(60)
    return Fabric(
        lines, outline.buffer(40), np.round(gates, 2), gate_cls, np.round(centre_node, 2), radius_m
    )


def _positions(radius_m: float, rng: np.random.Generator) -> Floats:
    """Offsets of parallel lattice lines from the centre, unevenly spaced, one at 0."""
    half = max(1, round(radius_m / BLOCK_M))
    step = BLOCK_M * np.exp(rng.normal(0, 0.32, 2 * half)).clip(0.55, 2.1)
    out = np.concatenate([[0], np.cumsum(step[:half])])
    back = -np.cumsum(step[half:])[::-1]
    return np.concatenate([back, out])


def _line_classes(offsets: Floats, grandeur: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Class of each lattice line: the centre line best, every fifth or so arterial."""
    cls = np.full(len(offsets), CODE["residential"])
    middle = int(np.abs(offsets).argmin())
    ladder = {
        0: ["unclassified"],
        1: ["tertiary"],
        2: ["secondary", "tertiary", "tertiary"],
        3: [
            "primary",
            "tertiary",
            "secondary",
            "tertiary",
            "trunk",
            "tertiary",
            "secondary",
            "tertiary",
        ],
    }[grandeur]
    for side in (1, -1):
        at, rank = middle, 0
        while 0 <= at < len(cls):
            if rank or side == 1:
                name = ladder[rank % len(ladder)]
                cls[at] = CODE[name]
            at += side * int(rng.integers(_LINES_PER_SUPERBLOCK - 1, _LINES_PER_SUPERBLOCK + 2))
            rank += 1
    return cls


def _inside(gu: Floats, gv: Floats, radius_m: float, rng: np.random.Generator) -> NDArray[np.bool_]:
    angle = np.arctan2(gv, gu)
    limit = np.ones_like(angle)
    for k in (1, 2, 3, 5):
        limit += 0.16 / np.sqrt(k) * np.cos(k * angle + rng.uniform(0, 2 * np.pi))
    # A rounded square: the power 3 lies between a disc (2) and a square.
    reach = (np.abs(gu) ** 3 + np.abs(gv) ** 3) ** (1 / 3)
    return np.asarray(reach <= np.maximum(limit * radius_m, 1.2 * BLOCK_M))


def _bend(
    gu: Floats, gv: Floats, centre: Floats, radius_m: float, rng: np.random.Generator, grandeur: int
) -> Floats:
    """Round the outer lines, warp, jitter, turn and place the lattice; (nu, nv, 2)."""
    reach = radius_m * 1.9
    x = gu * (1 - 0.32 * (gv / reach) ** 2)
    y = gv * (1 - 0.32 * (gu / reach) ** 2)
    for wave, height in ((radius_m * 1.7 + 600, 0.045), (radius_m * 0.6 + 400, 0.02), (900.0, 0.0)):
        amplitude = height * wave if height else 26.0
        p = rng.uniform(0, 2 * np.pi, 4)
        k = 2 * np.pi / wave
        x, y = (
            x + amplitude * np.sin(k * y + p[0]) * np.cos(0.7 * k * x + p[1]),
            y + amplitude * np.sin(k * x + p[2]) * np.cos(0.6 * k * y + p[3]),
        )
    jitter = 20.0 if grandeur == 0 else 7.0
    x = x + rng.normal(0, jitter, x.shape).clip(-30, 30)
    y = y + rng.normal(0, jitter, y.shape).clip(-30, 30)
    turn = rng.uniform(-0.25, 0.25) if grandeur >= 2 else rng.uniform(0, np.pi / 2)
    cos, sin = np.cos(turn), np.sin(turn)
    return np.stack([centre[0] + x * cos - y * sin, centre[1] + x * sin + y * cos], axis=-1)


def _filled(
    u: Floats,
    v: Floats,
    cls_u: NDArray[np.int64],
    cls_v: NDArray[np.int64],
    radius_m: float,
    fill: float,
    rng: np.random.Generator,
) -> NDArray[np.bool_]:
    """For each lattice cell, whether its superblock has local streets."""
    residential = CODE["residential"]
    block_u = np.cumsum(cls_u != residential)[:-1]
    block_v = np.cumsum(cls_v != residential)[:-1]
    mid_u = _block_middle(u, block_u)
    mid_v = _block_middle(v, block_v)
    distance = np.hypot(mid_u[:, None], mid_v[None, :]) / radius_m
    score = distance + rng.normal(0, 0.16, distance.shape)
    limit = np.quantile(score[distance <= 1.05], min(1.0, fill)) if fill < 1 else np.inf
    return np.asarray((score <= limit)[np.ix_(_compact(block_u), _compact(block_v))])


def _compact(block: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.unique(block, return_inverse=True)[1]


def _block_middle(offsets: Floats, block: NDArray[np.int64]) -> Floats:
    index = _compact(block)
    middle = (offsets[:-1] + offsets[1:]) / 2
    return np.bincount(index, middle) / np.bincount(index)


def _edges(
    inside: NDArray[np.bool_],
    cls_u: NDArray[np.int64],
    cls_v: NDArray[np.int64],
    filled: NDArray[np.bool_],
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_]]:
    """Edges (a, b, class, exists) between neighbouring lattice nodes."""
    nu, nv = inside.shape
    node = np.arange(nu * nv).reshape(nu, nv)
    residential = CODE["residential"]
    padded = np.pad(filled, 1)
    # An edge of a local line exists where either cell beside it is filled.
    along_v = padded[:-1, 1:-1] | padded[1:, 1:-1]
    along_u = padded[1:-1, :-1] | padded[1:-1, 1:]
    cls_along_v = np.broadcast_to(cls_u[:, None], (nu, nv - 1))
    cls_along_u = np.broadcast_to(cls_v[None, :], (nu - 1, nv))
    lit_v = inside[:, :-1] & inside[:, 1:] & ((cls_along_v != residential) | along_v)
    lit_u = inside[:-1] & inside[1:] & ((cls_along_u != residential) | along_u)
    return (
        np.concatenate([node[:, :-1].ravel(), node[:-1].ravel()]),
        np.concatenate([node[:, 1:].ravel(), node[1:].ravel()]),
        np.concatenate([cls_along_v.ravel(), cls_along_u.ravel()]),
        np.concatenate([lit_v.ravel(), lit_u.ravel()]),
    )


def _to_lines(
    xy: Floats,
    a: NDArray[np.int64],
    b: NDArray[np.int64],
    cls: NDArray[np.int64],
    rng: np.random.Generator,
) -> Lines:
    local = cls == CODE["residential"]
    # Estates turn their back on main roads: fewer streets reach an arterial than cross inside.
    arterial_node = np.zeros(len(xy), dtype=bool)
    arterial_node[a[~local]] = arterial_node[b[~local]] = True
    # Mostly on one side of it, so that the other side's street makes a T-junction.
    share = np.select(
        [arterial_node[a], arterial_node[b]],
        [_DELETED_AFTER_ARTERIAL_SHARE, _DELETED_BEFORE_ARTERIAL_SHARE],
        _DELETED_SHARE,
    )
    keep = ~local | (rng.random(len(a)) >= share)
    a, b, cls, local = a[keep], b[keep], cls[keep].copy(), local[keep]
    halved = local & (rng.random(len(a)) < _HALVED_SHARE)
    living = local & (rng.random(len(a)) < _LIVING_STREET_SHARE)
    cls[living] = CODE["living_street"]
    end = xy[b]
    reach = rng.uniform(0.4, 0.75, (len(a), 1))
    end = np.where(halved[:, None], xy[a] + reach * (end - xy[a]), end)
    ends = np.stack([xy[a], end], axis=1)
    return make_lines(list(ends), cls, urban=True)


def _gates(
    xy: Floats, inside: NDArray[np.bool_], cls_u: NDArray[np.int64], cls_v: NDArray[np.int64]
) -> tuple[Floats, NDArray[np.int64]]:
    """Both outermost inner nodes of every arterial lattice line."""
    found, classes = [], []
    residential = CODE["residential"]
    for line, nodes, ok in (
        *((c, xy[i], inside[i]) for i, c in enumerate(cls_u)),
        *((c, xy[:, j], inside[:, j]) for j, c in enumerate(cls_v)),
    ):
        at = np.flatnonzero(ok)
        if line != residential and len(at) > 1:
            found += [nodes[at[0]], nodes[at[-1]]]
            classes += [line, line]
    return np.array(found).reshape(-1, 2), np.array(classes, dtype=np.int64)
