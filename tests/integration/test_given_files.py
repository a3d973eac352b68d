"""A metro file that names a population raster and a timetable: both change the results."""

from __future__ import annotations

import zipfile

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import rasterio
from rasterio.transform import from_origin

pytestmark = pytest.mark.slow

TRIPS = [(f"t{n}", 6 * 60 + 10 * n) for n in range(90)]


def write_raster(path):
    """Seven people in every cell of an arc minute, over all of Andorra."""
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        width=60,
        height=60,
        count=1,
        dtype="float32",
        crs="EPSG:4326",
        transform=from_origin(1.2, 42.9, 1 / 60, 1 / 60),
        nodata=-99999.0,
    ) as target:
        target.write(np.full((60, 60), 7.0, dtype="float32"), 1)


def write_feed(path):
    """A bus from Andorra la Vella to Canillo every ten minutes, half an hour long."""
    clock = "{:02d}:{:02d}:00".format
    texts = {
        "stops": "stop_id,stop_name,stop_lat,stop_lon\na,A,42.5078,1.5211\nc,C,42.5676,1.5976\n",
        "routes": "route_id,route_short_name,route_type\nL,L3,3\n",
        "calendar": "service_id,monday,tuesday,wednesday,thursday,friday,saturday,sunday,start_date,end_date\n"
        "s,1,1,1,1,1,1,1,20210101,20211231\n",
        "trips": "route_id,service_id,trip_id\n" + "".join(f"L,s,{key}\n" for key, _ in TRIPS),
        "stop_times": "trip_id,arrival_time,departure_time,stop_id,stop_sequence\n"
        + "".join(
            f"{key},{clock(*divmod(at + late, 60))},{clock(*divmod(at + late, 60))},{stop},{late}\n"
            for key, at in TRIPS
            for stop, late in (("a", 0), ("c", 30))
        ),
    }
    with zipfile.ZipFile(path, "w") as target:
        for name, text in texts.items():
            target.writestr(f"{name}.txt", text)


def test_a_raster_and_a_feed_are_used_and_a_change_is_seen(tmp_path, command, andorra_extract):
    write_raster(tmp_path / "people.tif")
    write_feed(tmp_path / "bus.zip")
    (tmp_path / "andorra.toml").write_text(
        'name = "Andorra"\n[boundaries]\nadmin_level = 7\n'
        '[population]\nraster = "people.tif"\n[gtfs]\nfeeds = ["bus.zip"]\n',
        encoding="utf-8",
    )
    arguments = (
        "run",
        "andorra.toml",
        "--osm",
        str(andorra_extract),
        "--workers",
        "1",
        "--until",
        "accessibility",
    )
    run = command(tmp_path, *arguments)
    assert run.code == 0, run.stderr
    folder = run.data / "processed" / "andorra"
    zones = gpd.read_parquet(folder / "zones.parquet")
    assert set(zones["population_evidence"]) == {"raster"}
    # 7 people on an arc minute squared of 2.53 km2 there, on 464 km2.
    assert zones["population"].sum() == pytest.approx(7 * 465.5 / 2.53, rel=0.01)
    # All but the cells in the mountains, far from any road.
    reached = zones.loc[zones["reason"].isna(), "population"].sum()
    assert zones["population_60min"].max() == pytest.approx(reached, rel=0.02)
    links = pd.read_parquet(folder / "transit_links.parquet")
    assert links["evidence"].tolist() == ["gtfs"]
    assert links[["minutes", "headway_min"]].iloc[0].tolist() == [30.0, 10.0]

    with rasterio.open(tmp_path / "people.tif", "r+") as target:
        target.write(np.full((60, 60), 8.0, dtype="float32"), 1)
    status = command(tmp_path, "status", "andorra.toml", "--osm", str(andorra_extract))
    assert status.code == 0, status.stderr
    told = dict(
        line.split(maxsplit=2)[1::-1] for line in status.stdout.splitlines() if line[:1] in "fs"
    )
    assert told["population"] == "stale" and told["gtfs"] == "fresh"
    assert "a file of [population] changed" in status.stdout
