"""Rivers and land of Andorra's seven parishes, from the real extract where it is at hand."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import pandas as pd
import pytest
from small_land import belts_of, part_land

from pipeline.crs import local_metric_crs
from pipeline.layers import conform, empty_layer
from pipeline.measures.borders.belts import belts
from pipeline.measures.borders.borders import derive_borders
from pipeline.measures.ecology import ecology
from pipeline.metros.catalogue import load_metro
from pipeline.sources.osm.extract.read import read_extract
from pipeline.sources.source import Source

EXTRACT = Path(__file__).parents[5] / "shared" / "data" / "andorra-2021.osm.pbf"

pytestmark = pytest.mark.skipif(not EXTRACT.exists(), reason=f"no real extract at {EXTRACT}")


@pytest.fixture(scope="module")
def andorra(tmp_path_factory: pytest.TempPathFactory) -> dict[str, pd.DataFrame]:
    """The extract's layers in metres, the borders, and the ecology of all of them."""
    path = tmp_path_factory.mktemp("metro") / "andorra.toml"
    path.write_text('id = "andorra"\n[boundaries]\nadmin_level = 7\n')
    metro = load_metro(str(path))
    params = metro.params.ecology
    read = read_extract(metro, Source("pbf", (EXTRACT,)), metro.params.extract).layers
    crs = local_metric_crs(1.55, 42.55)
    layers = {
        name: frame.to_crs(crs) if isinstance(frame, gpd.GeoDataFrame) else frame
        for name, frame in read.items()
    }
    layers["borders"] = derive_borders(
        layers["cities"],
        layers["counties"],
        layers["waterways"],
        layers["land_areas"],
        metro,
        metro.params.borders,
    )
    ids = layers["borders"]["border_id"]
    layers["belts"] = belts_of(layers["borders"], layers["cities"], params)
    layers["land"] = part_land(layers["belts"], layers["land_areas"])
    found = [
        ecology.boundary_ecology(
            each,
            borders=layers["borders"],
            belts=layers["belts"],
            land=layers["land"],
            waterways=layers["waterways"],
            land_areas=layers["land_areas"],
            dykes=layers["dykes"],
            roads=empty_layer("roads", crs),
            railways=layers["railways"],
            params=params,
        )
        for each in ids
    ]
    for name in ecology.OUTPUTS:
        layers[name] = pd.concat([each[name] for each in found], ignore_index=True)
    return layers


@pytest.mark.slow
def test_water_leaves_through_sant_julia(andorra: dict[str, pd.DataFrame]) -> None:
    name = dict(zip(andorra["cities"]["city_id"], andorra["cities"]["name"], strict=True))
    rivers = andorra["shared_rivers"].dropna(subset=["upstream_city"])
    flows = {
        (name[up], name[down])
        for up, down in zip(rivers["upstream_city"], rivers["downstream_city"], strict=True)
    }
    assert ("Andorra la Vella", "Sant Julià de Lòria") in flows
    assert ("Ordino", "La Massana") in flows
    assert ("Encamp", "Escaldes-Engordany") in flows
    assert ("Escaldes-Engordany", "Andorra la Vella") in flows
    # The lowest parish gives no water to another, the highest valley takes none.
    assert "Sant Julià de Lòria" not in {up for up, _ in flows}
    assert "Ordino" not in {down for _, down in flows}


def test_partition_of_every_belt(andorra: dict[str, pd.DataFrame]) -> None:
    beside = belts(andorra["borders"], andorra["cities"], 5_000.0)
    expected = beside.geometry.area.groupby([beside["border_id"], beside["city_id"]]).sum()
    parted = andorra["land"]
    found = parted.geometry.area.groupby([parted["border_id"], parted["city_id"]]).sum()
    pd.testing.assert_series_equal(found, expected, rtol=1e-6, check_names=False)
    # What is on disk is in degrees, what is read back has been there.
    assert parted.to_crs(4326).geometry.is_valid.all()
    assert parted.to_crs(4326).to_crs(parted.crs).geometry.is_valid.all()


def test_land_is_forest_and_rock_with_little_town(andorra: dict[str, pd.DataFrame]) -> None:
    parted = andorra["land"]
    share = parted.geometry.area.groupby(parted["zone_class"]).sum() / parted.geometry.area.sum()
    assert 0.4 < share["ecological"] < 0.7
    assert share["urban"] < 0.05
    assert share["farmland"] < 0.01
    protected = parted[parted["land_class"] == "protected"]
    name = dict(zip(andorra["cities"]["city_id"], andorra["cities"]["name"], strict=True))
    # Comapedrosa lies in La Massana, Sorteny in Ordino.
    assert set(protected["city_id"].map(name)) == {"La Massana", "Ordino"}


def test_every_layer_conforms(andorra: dict[str, pd.DataFrame]) -> None:
    for name in ("land", *ecology.OUTPUTS):
        conform(name, andorra[name])
