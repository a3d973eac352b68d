"""A finished run's road data as vector files: what an analyst without OSM would have."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import pandas as pd

from pipeline.sources.osm.tags import HIGHWAY_TAGS


def write_vector_files(layers: Path, folder: Path) -> str:
    """Write roads, boundaries and surroundings as files of four formats; returns a metro file."""
    roads = gpd.read_parquet(layers / "highways.parquet")
    planned = roads["status"].ne("open")
    frame = gpd.GeoDataFrame(
        {
            "nr": roads["way_id"],
            "klasse": roads["highway"].where(~planned, roads["status"]),
            "construction": roads["highway"].where(roads["status"].eq("construction"), None),
            "proposed": roads["highway"].where(roads["status"].eq("proposed"), None),
            "name": roads["name"],
            "ref": roads["ref"],
            **{key.replace(":", "_"): roads[key.replace(":", "_")] for key in HIGHWAY_TAGS},
        },
        geometry=roads.geometry,
        crs=roads.crs,
    )
    _plain(frame).to_file(folder / "roads.gpkg")
    _plain(gpd.read_parquet(layers / "cities.parquet")).to_file(folder / "cities.geojson")
    points = [
        gpd.read_parquet(layers / "tagged_nodes.parquet").drop(columns="node_id"),
        gpd.read_parquet(layers / "osm_places.parquet")[["place", "name", "geometry"]],
    ]
    _plain(pd.concat(points, ignore_index=True)).to_file(folder / "points.geojson")
    land = gpd.read_parquet(layers / "land_areas.parquet")
    for key in sorted(land["key"].unique()):
        of_key = land[land["key"].eq(key)].rename(columns={"value": key})
        _plain(of_key[[key, "water", "name", "geometry"]]).to_file(folder / f"{key}.gpkg")
    for layer, key in (("waterways", "waterway"), ("railways", "railway"), ("barriers", "barrier")):
        lines = gpd.read_parquet(layers / f"{layer}.parquet")
        columns = [each for each in (key, "name", "geometry") if each in lines.columns]
        lines = lines.assign(
            tunnel=lines["is_tunnel"].map({True: "yes"}) if "is_tunnel" in lines else None,
            bridge=lines["is_bridge"].map({True: "yes"}) if "is_bridge" in lines else None,
            width=lines.get("width_m"),
        )
        lines[[*columns, "tunnel", "bridge", "width"]].to_parquet(folder / f"{layer}.parquet")
    gpd.read_parquet(layers / "buildings.parquet")[["building", "geometry"]].to_parquet(
        folder / "buildings.parquet"
    )
    others = sorted(
        each.name
        for each in folder.iterdir()
        if each.stem not in ("roads", "cities") and each.suffix in (".gpkg", ".geojson", ".parquet")
    )
    cities = pd.read_parquet(layers / "cities.parquet")
    declared = "".join(
        f'[[city]]\nid = "{city.city_id}"\nname = "{city.name}"\n'
        + (f"population = {city.population:.0f}\n" if city.population == city.population else "")
        + (
            f"centre = [{city.centre_lon!r}, {city.centre_lat!r}]\n"
            if city.centre_lon == city.centre_lon
            else ""
        )
        for city in cities.itertuples(index=False)
    )
    core = cities.loc[cities["is_core"], "city_id"].iloc[0]
    listed = ", ".join(f'"{each}"' for each in others)
    return (
        f'core = "{core}"\n'
        '[boundaries]\nsource = "file"\npath = "cities.geojson"\nid_field = "city_id"\n'
        'name_field = "name"\ndatum = "wgs84"\n'
        f'[vector]\nroads = "roads.gpkg"\nothers = [{listed}]\ndatum = "wgs84"\n'
        f'columns = {{highway = "klasse", id = "nr"}}\n{declared}'
    )


def _plain(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Text columns as objects: GDAL's writer knows no other."""
    text = [
        name
        for name in frame.columns
        if name != "geometry"
        and not pd.api.types.is_numeric_dtype(frame[name])
        and not pd.api.types.is_bool_dtype(frame[name])
    ]
    return frame.assign(
        **{name: frame[name].astype(object).where(frame[name].notna(), None) for name in text}
    )
