"""Parameters as a contract: what keys owe one another, and what names elsewhere fix."""

from __future__ import annotations

import ast

import house
import pytest

from pipeline.compare.params import CompareParams
from pipeline.errors import ConfigError
from pipeline.metros.catalogue import load_metro, settings_of
from pipeline.metros.config import DEPENDENCIES, Params

# One setting for each row of the table that breaks it, and the key on the other side.
BREAKS = [
    ("travel_times.cutoff_min=30", "accessibility.reach_min"),
    ("accessibility.catchment_min=90", "travel_times.cutoff_min"),
    ("travel_times.cutoff_min=59", "integration.innovation_minutes"),
    ("travel_times.cutoff_min=29", "integration.industry_minutes"),
    ("travel_times.cutoff_min=59", "integration.industry_across_minutes"),
    ("travel_times.cutoff_min=29", "integration.hospital_minutes"),
    ("integration.town_cap_min=90", "travel_times.cutoff_min"),
    ('travel_times.modes=["drive_peak"]', "drive"),
    ("isochrones.minutes=[15, 30]", "accessibility.circle_min"),
    ("border_effect.distance_bin_m=500", "border_effect.nearest_pair_m"),
    ("border_effect.max_distance_m=4000", "border_effect.distance_bin_m"),
    ("border_effect.max_pairs=300", "border_effect.min_pairs"),
    ("population.most_in_metro_km2=9000", "population.odd_in_metro_km2"),
    ("population.most_people_km2=40000", "population.most_in_metro_km2"),
    ("ecology.belt_km=[0.4, 0.9]", "ecology.conflict_distance_m"),
    ("ecology.river_narrow_m=60", "ecology.river_wide_m"),
    ("ecology.river_follow_m=2000", "ecology.river_follow_wide_m"),
    ("dead_ends.search_radius_m=6000", "extract.building_belt_m"),
    ("placebo.min_shift_m=20000", "placebo.max_shift_m"),
    ("dead_ends.search_radius_m=8000", "placebo.max_shift_m"),
    ("network.lowest_class=unclassified", "routing.lowest_class"),
    ("network.lowest_class=secondary", "dead_ends.lowest_class"),
    ("network.lowest_class=unclassified", "bottlenecks.lowest_class"),
    ("dead_ends.lowest_class=track", "routing.lowest_class"),
    ("dead_ends.lowest_class=service", "dead_ends.lowest_listed"),
    ("bottlenecks.lowest_class=secondary", "tertiary"),
]


LISTED = ("dead_ends.lowest_class", "dead_ends.lowest_listed")


@pytest.fixture
def path(tmp_path):
    file = tmp_path / "metro.toml"
    file.write_text("", encoding="utf-8")
    return str(file)


@pytest.mark.parametrize(("setting", "other"), BREAKS)
def test_a_setting_that_another_key_depends_on_is_refused_with_both_named(path, setting, other):
    with pytest.raises(ConfigError) as caught:
        load_metro(path, [setting])
    message = str(caught.value)
    assert setting.partition("=")[0] in message
    assert other in message
    assert "\n" not in message
    assert "found" not in message


def test_every_dependency_has_a_setting_that_breaks_it(path):
    broken = set()
    for setting, _ in BREAKS:
        try:
            load_metro(path, [setting])
        except ConfigError as error:
            broken |= {
                (each.left, each.right)
                for each in DEPENDENCIES
                if each.left in str(error) and each.otherwise in str(error)
            }
    assert broken == {(each.left, each.right) for each in DEPENDENCIES}


@pytest.mark.parametrize(
    "settings",
    [
        ["travel_times.cutoff_min=90", "accessibility.catchment_min=90"],
        ["ecology.belt_km=[5, 1]"],
        ["isochrones.minutes=[60]"],
        ["dead_ends.search_radius_m=6000", "extract.building_belt_m=6000"],
        ["network.lowest_class=residential"],
        [f"{key}=track" for key in ("routing.lowest_class", *LISTED)],
        ["accessibility.reach_min=[30, 45, 60]", "integration.industry_minutes=30"],
    ],
)
def test_settings_that_agree_are_taken(path, settings):
    load_metro(path, settings)


def unread(sections, sources):
    """Keys that no source takes from its parameters."""
    taken = {
        node.attr
        for source in sources
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Attribute)
    }
    return [f"{name}.{key}" for name, keys in sections.items() for key in keys if key not in taken]


def test_every_parameter_is_read():
    sections = {
        name: list(type(field.default).model_fields) for name, field in Params.model_fields.items()
    } | {"compare": list(CompareParams.model_fields)}
    sources = [text for name, text in house.modules().items() if not name.endswith("params")]
    assert unread(sections, sources) == []
    assert unread({"a": ["used_m", "unused_m"]}, ["x = params.used_m", "unused_m = 1"]) == [
        "a.unused_m"
    ]


@pytest.mark.parametrize("key", ["dead_ends.rail_ahead_m", "missing_links.planned_corridor_m"])
def test_limits_rise(path, key):
    load_metro(path, [f"{key}=[10, 20]"])
    with pytest.raises(ConfigError, match="first limit must lie below the second"):
        load_metro(path, [f"{key}=[20, 10]"])


@pytest.mark.parametrize(
    ("setting", "name"),
    [
        ("accessibility.reach_min=[10, 20, 30]", "population_60min of layer zones"),
        ("accessibility.circle_min=45", "one-hour commuting circle"),
        ("accessibility.performance_radius_m=120000", "people within 80 km"),
        ("integration.innovation_minutes=45", "innovation_people_60min_pct"),
        ("integration.industry_minutes=45", "industrial_land_30min_pct"),
        ("integration.industry_across_minutes=45", "industrial_land_across_60min_pct"),
        ("integration.hospital_minutes=45", "hospital_across_30min_pct"),
    ],
)
def test_what_a_column_is_named_for_is_what_it_holds(path, setting, name):
    with pytest.raises(ConfigError, match="fixed at") as caught:
        load_metro(path, [setting])
    assert setting.partition("=")[0] in str(caught.value)
    assert name in str(caught.value)


def test_all_that_disagrees_is_named_at_once():
    with pytest.raises(ValueError, match=r"isochrones\.minutes") as caught:
        Params.model_validate({"isochrones": {"minutes": [15]}, "travel_times": {"cutoff_min": 30}})
    assert "accessibility.reach_min = [30, 45, 60]" in str(caught.value)


def test_the_defaults_agree():
    assert Params() == Params.model_validate({})


def test_settings_of_a_verb_without_metro_file_are_its_own_alone():
    found = settings_of("compare", CompareParams, ["compare.same_end_m=60", "compare.still_m=5"])
    assert (found.same_end_m, found.still_m, found.sample_m) == (60.0, 5.0, 25.0)
    with pytest.raises(ConfigError) as raised:
        settings_of("compare", CompareParams, ["compare.sme=1", "routing.x=2", "scope=a", "odd"])
    text = str(raised.value)
    for part in ("compare.sme: unknown key", "routing: not a setting", "scope: not", "'odd'"):
        assert part in text, part
