"""What became of ends and links, on small worlds where the answer is plain."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from small_roads import DETOUR, STUBS, World

from pipeline import cli
from pipeline.compare import matching
from pipeline.compare.matching import Side
from pipeline.flow import store
from pipeline.storage.paths import Paths

MINOR = ("tertiary", [(-6000, -3000), (-3500, -3000), (-900, -3000)], {})
TO_MINOR = ("tertiary", [(-6000, 0), (-6000, -3000)], {})


def side(ways, **layers):
    world = World(ways, **layers)
    made = world.made()
    return Side(
        made["dead_ends"],
        made["link_candidates"],
        world["roads"],
        world.road_ends(),
        world["railways"],
        world["routing_network"],
    )


def changes(before, after):
    is_new = matching.newly_mapped(after.roads, before.roads)
    links = matching.link_changes(before, after)
    ends = matching.end_changes(before, after, links, is_new)
    return sorted(ends["change"]), sorted(matching.link_changes(before, after, ends)["change"])


@pytest.fixture(scope="module")
def apart():
    return side(STUBS + DETOUR)


@pytest.fixture(scope="module")
def joined():
    return side([*STUBS, ("tertiary", [(-400, 0), (0, 40), (400, 0)], {}), *DETOUR])


def test_a_link_built_opens_both_ends(apart, joined):
    assert changes(apart, joined) == (["opened", "opened"], ["built"])


def test_a_road_closed_makes_new_ends_and_a_new_link(apart, joined):
    assert changes(joined, apart) == (["new", "new"], ["new"])


@pytest.mark.parametrize(
    ("rule", "change"), [("finding", "reclassified"), ("stub", "reclassified"), (None, "opened")]
)
def test_an_end_that_still_stands_was_not_opened(apart, rule, change):
    """It is examined still, but reported no more: what it faces has changed."""
    end = apart.dead_ends.iloc[0]
    places = [end.geometry] if rule else [shapely.Point(9e5, 9e5)]
    examined = matching._Examined(shapely.STRtree(places), np.array([rule or "finding"]), 60.0)
    params = matching.CompareParams()
    fate = matching._fate_of_old(end, set(), apart, examined, params)
    assert fate[0] == change
    assert matching._fate_of_old(end, {end["link_id"]}, apart, examined, params)[0] == "opened"


def test_a_road_redrawn_under_new_ids_is_the_same(apart):
    moved = [
        (kind, [(x + 3, y + 5) for x, y in xy], tags)
        for kind, xy, tags in [*DETOUR[::-1], *STUBS[::-1]]
    ]
    ends, links = changes(apart, side(moved))
    assert ends == ["unchanged", "unchanged"]
    assert links == ["unchanged"]


def test_an_end_on_a_road_that_was_not_mapped_is_told_apart(apart):
    ends, links = changes(apart, side([*STUBS, *DETOUR, TO_MINOR, MINOR]))
    assert ends == ["mapped_since", "unchanged", "unchanged"]
    assert links == ["unchanged"]


def test_a_road_led_on_by_a_kilometre_moves_its_end():
    before = side(
        [
            *STUBS,
            *DETOUR,
            TO_MINOR,
            ("tertiary", [(-6000, -3000), (-3500, -3000), (-2000, -3000)], {}),
        ]
    )
    after = side([*STUBS, *DETOUR, TO_MINOR, MINOR])
    for a, b in ((before, after), (after, before)):
        ends, _ = changes(a, b)
        assert ends == ["moved", "unchanged", "unchanged"]


def test_a_mapped_road_beside_a_gap_is_no_built_link(apart):
    # A way round a little shorter than before, mapped since: the gap is still one.
    more = [("tertiary", [(-3500, 0), (-3500, 4000), (3500, 4000), (3500, 0)], {})]
    _, links = changes(apart, side([*STUBS, *DETOUR, *more]))
    assert links == ["unchanged"]


def test_growth_counts_what_was_not_there(apart):
    after = side([*STUBS, *DETOUR, TO_MINOR, MINOR])
    is_new = matching.newly_mapped(after.roads, apart.roads)
    growth = matching.growth(apart, after, is_new)
    assert growth["km_newly_mapped"].sum() == pytest.approx(8.1, abs=0.05)
    assert growth["km_after"].sum() - growth["km_before"].sum() == pytest.approx(8.1, abs=0.05)
    assert not matching.newly_mapped(apart.roads, after.roads).any()


def test_empty_runs_have_no_change(apart):
    nothing = Side(
        apart.dead_ends.iloc[:0],
        apart.missing_links.iloc[:0],
        apart.roads,
        apart.road_ends.iloc[:0],
        apart.railways,
        apart.network,
    )
    assert changes(nothing, nothing) == ([], [])
    growth = matching.growth(nothing, nothing, np.zeros(len(apart.roads), dtype=bool))
    assert growth["km_newly_mapped"].sum() == 0


def test_wrong_folders_are_one_clear_line(tmp_path, capsys):
    for name, metro in (("a", "x"), ("b", "y")):
        paths = Paths.of(str(tmp_path / name), "maps")
        facts = {"centre": [113.6, 34.7]}
        source = {"kind": "pbf", "files": {}, "polys": {}, "tables": {}}
        manifest = {
            "format": 1,
            "stages": {},
            "facts": facts,
            "metro": {"id": metro},
            "source": source,
        }
        store.write_json(paths.manifest(metro), manifest)
    folders = [str(tmp_path / "a/processed/x"), str(tmp_path / "b/processed/y")]
    assert cli.main(["compare", *folders]) == 2
    assert "two runs of one metro" in capsys.readouterr().err
    assert cli.main(["compare", folders[0], folders[0]]) == 2
    assert "given twice" in capsys.readouterr().err
    assert cli.main(["compare", folders[0], str(tmp_path)]) == 1
    assert "no finished run" in capsys.readouterr().err
