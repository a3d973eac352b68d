"""What an area or a node is used as, by its tags: land, a building, a service.

What belongs here: questions of the tags alone. Geometry is `areas`' and `services`'.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipeline.sources.osm import tags as vocabulary
from pipeline.sources.osm.columns import Tags
from pipeline.sources.osm.ragged import Flags, Ints
from pipeline.sources.osm.tags import clean_text

AREA_KEYS = (*vocabulary.LAND_VALUES, "building", "office")
"""One of these has every area of `land_values`, `service_kind` and `is_building`."""


def land_values(tags: Tags) -> Iterator[tuple[str, Ints, pd.Series]]:
    """Per key of `land_areas` the rows whose value the layer takes, and these values."""
    is_area = tags.equals("area", "yes") | tags.equals("type", "multipolygon", "boundary")
    is_refused = tags.equals("area", "no")
    for key, values in vocabulary.LAND_VALUES.items():
        rows, value = tags.values_of(key)
        value = clean_text(value)
        codes, names = pd.factorize(value)
        # The last place stands for text left empty.
        is_known = np.zeros(len(names) + 1, dtype=bool)
        is_known[:-1] = [
            (values is None or name in values) and name not in vocabulary.DENIALS for name in names
        ]
        is_line = np.zeros(len(names) + 1, dtype=bool)
        is_line[:-1] = [name in vocabulary.LINES_UNLESS_AREA for name in names]
        wanted = is_known[codes] & ~is_refused[rows] & (is_area[rows] | ~is_line[codes])
        yield key, rows[wanted], value[wanted]


def is_land(tags: Tags) -> Flags:
    """True for rows that `land_areas` takes under any key."""
    flags = np.zeros(tags.rows, dtype=bool)
    for _, rows, _ in land_values(tags):
        flags[rows] = True
    return flags


def is_building(tags: Tags) -> Flags:
    """True for rows with a building that is not denied."""
    value = tags.get("building")
    return np.asarray(value.notna() & (value != "no"), dtype=bool)


def service_kind(tags: Tags) -> NDArray[np.object_]:
    """Kind of service per row; None where it is none."""
    kind = np.full(tags.rows, None, dtype=object)
    # Later lines win.
    kind[tags.equals("landuse", "industrial") | tags.equals("man_made", "works")] = "industrial"
    kind[tags.equals("office", "research")] = "research"
    rows, amenity = tags.values_of("amenity")
    service = amenity.map(vocabulary.AMENITY_SERVICES)
    known = service.notna().to_numpy(dtype=bool)
    kind[rows[known]] = service[known].to_numpy(dtype=object)
    return kind
