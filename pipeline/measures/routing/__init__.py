"""The prepared road network and exact shortest paths on it.

What belongs here: turning road edges into a compact directed graph (speeds,
signals, turn restrictions, barriers, contraction of degree-2 chains, Hilbert
order), the access of nodes and points to it, and one-to-many and many-to-many
searches by minutes or metres. Zones, centres, transit and what the times are
used for belong to the measures that call this.

The model
---------
*Segments* are the usable road edges (open, not closed to cars, of a driven
class). Maximal chains of segments through nodes where nothing else meets become
*chains*; a chain is one arc per direction that can be driven end to end. The
*routing nodes* are the remaining junctions and ends. A junction with a turn
restriction or a barrier is split into several routing nodes at one place: one
per restricted way in, one per way out, one to start from, one to arrive at; so
``node_id`` may repeat. A segment that a restriction leads over has a copy for who
comes from the way it binds (`via_ways`): several arcs of one chain and direction.
Contraction loses nothing: a point anywhere on a chain
(a contracted node, a snapped centroid) is an `Access`: what it takes to and
from both ends, and where on the chain it lies, so that two points of one chain
are joined directly.

Times are minutes, lengths metres. A signal costs its penalty on arriving at its
node. ``inf`` stands for "not reached" in arrays of this module only; layers
turn it into null. U-turns are possible at junctions unless restricted.

Searches run in numba (`kernels`): an exact bucket queue (Dial's, with
re-relaxation inside a bucket, so that real weights need no rounding); from many
places to many by a contraction hierarchy (`hierarchy`).
"""
