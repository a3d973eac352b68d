"""What transfers.txt says of changes between the stops of a feed.

What belongs here: its kinds and times, between stations. Which other stations one may change
between is `transit`'s.

Kinds 0 (recommended) and 1 (timed) say that one may change, 2 says how long it takes, 3 that one
cannot. Rules for single routes or trips and in-seat transfers (4, 5) are left out, counted.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipeline.sources.gtfs.tables import Tables, places_among

ONE_ROUTE = ("from_route_id", "to_route_id", "from_trip_id", "to_trip_id")
MOST_MINUTES = 120.0
"""A longer way is no change on foot but an error of the feed."""


def read_transfers(tables: Tables, stops: pd.DataFrame) -> pd.DataFrame:
    """Changes between stops that are called at: from_stop, to_stop, minutes, is_possible.

    ``minutes`` is NaN where the feed says no time. Of several rows of a pair the one with the
    longest time counts; a pair is impossible where all its rows say so.
    """
    kind = _kinds(tables)
    is_general = (kind >= 0) & (kind <= 3)
    for column in ONE_ROUTE:
        is_general &= tables.codes("transfers", column) < 0
    tables.dropped("transfer_of_one_route", int((~is_general).sum()), "rows of transfers.txt")
    minutes = tables.numbers("transfers", "min_transfer_time") / 60.0
    minutes = np.where((kind == 2) & (minutes >= 0) & (minutes <= MOST_MINUTES), minutes, np.nan)
    number = _numbers_of(stops)
    ids = number.index.to_series()
    # By position: a map that misses some would turn the numbers into floats.
    start, stop = (tables.places("transfers", f"{end}_stop_id", ids) for end in ("from", "to"))
    known = (start >= 0) & (stop >= 0) & is_general
    numbers = number.to_numpy(np.int64)
    found = pd.DataFrame(
        {
            "from_stop": numbers[start[known]],
            "to_stop": numbers[stop[known]],
            "minutes": minutes[known],
            "is_possible": kind[known] != 3,
        }
    )
    return found.groupby(["from_stop", "to_stop"], as_index=False).agg(
        {"minutes": "max", "is_possible": "any"}
    )


def _kinds(tables: Tables) -> NDArray[np.int64]:
    """The kind of each row, 0 where it is blank, -1 where it is none of the standard's."""
    words = tables.words("transfers", "transfer_type").str.removesuffix(".0")
    kinds = places_among(words, pd.Series([str(each) for each in range(6)]))
    return np.append(kinds, 0)[tables.codes("transfers", "transfer_type")].astype(np.int64)


def _numbers_of(stops: pd.DataFrame) -> pd.Series:
    """Stop number by stop id, of stations by their own id too."""
    own = stops.set_index("stop_id")["stop_number"]
    stations = own.groupby(stops["parent_station"].to_numpy(dtype=object)).first()
    both = pd.concat([own, stations])
    return both[~both.index.duplicated()]
