"""Freshness: which stages are fresh, stale or missing, and in which words."""

from __future__ import annotations

import pytest

from pipeline.flow import plan
from pipeline.flow.recipe import recipe_of
from pipeline.flow.stages import STAGES, maker_of
from pipeline.layers import LAYERS, RESULT_LAYERS
from pipeline.metros.catalogue import load_metro

SOURCE = {"kind": "sample", "files": {"x.pbf": "0"}, "polys": {}, "tables": {}}


def everything_fresh(metro):
    """A manifest as a whole finished run leaves it, with made-up digests."""
    digests = {}
    stages = {}
    for stage in STAGES:
        recipe = recipe_of(stage, metro, SOURCE, digests)
        outputs = {name: {"digest": f"d-{name}"} for name in stage.outputs}
        digests |= {name: f"d-{name}" for name in stage.outputs}
        stages[stage.name] = {"recipe": recipe, "outputs": outputs}
    return {"stages": stages}, dict(digests)


def state_of(result):
    return {each.stage: each.state for each in result}


def test_every_layer_has_one_maker_and_stands_before_its_users():
    made = [name for stage in STAGES for name in stage.outputs]
    assert len(made) == len(set(made))
    assert set(RESULT_LAYERS) <= set(made) <= set(LAYERS)
    seen = set()
    for stage in STAGES:
        assert set(stage.inputs) <= seen, stage.name
        seen |= set(stage.outputs)


def test_stage_functions_take_what_their_stage_gives():
    import inspect

    for stage in STAGES:
        named = inspect.signature(stage.func).parameters
        asked = {name for name, each in named.items() if each.default is each.empty}
        given = {*stage.inputs, "metro", "source", "facts", "params", "paths"}
        given |= {f"{name}_params" for name in stage.params}
        given |= {stage.split.into} if stage.split else set()
        if "layers" in asked:
            asked = asked - {"layers"} | set(stage.inputs)
        assert set(stage.inputs) <= asked, stage.name
        assert asked <= given, (stage.name, asked - given)


def test_a_finished_metro_is_fresh():
    metro = load_metro("zhengzhou")
    manifest, digests = everything_fresh(metro)
    result = plan.standings(metro, SOURCE, manifest, digests)
    assert set(state_of(result).values()) == {"fresh"}


def test_a_changed_parameter_reruns_only_what_depends_on_it():
    manifest, digests = everything_fresh(load_metro("zhengzhou"))
    changed = load_metro("zhengzhou", ["isochrones.simplify_m=50"])
    state = state_of(plan.standings(changed, SOURCE, manifest, digests))
    assert {name for name, each in state.items() if each != "fresh"} == {"isochrones", "metro_map"}
    why = {each.stage: each.why for each in plan.standings(changed, SOURCE, manifest, digests)}
    assert why["isochrones"] == "isochrones.simplify_m changed"
    assert why["metro_map"] == "waits for isochrones"


def test_another_source_reruns_everything():
    metro = load_metro("zhengzhou")
    manifest, digests = everything_fresh(metro)
    result = plan.standings(metro, SOURCE | {"kind": "pbf"}, manifest, digests)
    assert "fresh" not in state_of(result).values()
    assert result[0].why == "the source changed"


@pytest.mark.parametrize(
    ("digest", "state", "words"), [(None, "missing", "gone"), ("other", "stale", "damaged")]
)
def test_missing_and_damaged_outputs_are_noticed(digest, state, words):
    metro = load_metro("zhengzhou")
    manifest, digests = everything_fresh(metro)
    digests["borders"] = digest
    standing = next(
        s for s in plan.standings(metro, SOURCE, manifest, digests) if s.stage == "borders"
    )
    assert standing.state == state
    assert words in standing.why


@pytest.mark.parametrize(
    "outputs",
    [
        {},
        {"gtfs_stops": {"digest": "d-gtfs_stops"}},
        {name: {"digest": f"d-{name}"} for name in (*maker_of("gtfs_stops").outputs, "zones")},
        {
            name: {"digest": f"d-{name}"}
            for name in (*maker_of("gtfs_stops").outputs, "page:zhengzhou.html")
        },
    ],
    ids=["none", "too few", "those of another stage", "a page"],
)
def test_a_record_of_other_outputs_than_the_stage_makes_is_stale(outputs):
    metro = load_metro("zhengzhou")
    manifest, digests = everything_fresh(metro)
    manifest["stages"]["gtfs"]["outputs"] = outputs
    on_disk = digests | {"page:zhengzhou.html": "d-page:zhengzhou.html"}
    result = {each.stage: each for each in plan.standings(metro, SOURCE, manifest, on_disk)}
    assert result["gtfs"].state == "stale"
    assert "does not name what it makes" in result["gtfs"].why


def test_nothing_made_yet():
    result = plan.standings(load_metro("zhengzhou"), SOURCE, {"stages": {}}, {})
    assert set(state_of(result).values()) == {"missing"}


def test_until_takes_what_a_stage_needs_and_no_more():
    names = [stage.name for stage in plan.needed_for(["borders"])]
    assert names == ["extract", "borders"]
    both = {stage.name for stage in plan.needed_for(["borders", "gazetteer"])}
    assert both == {"extract", "borders", "gazetteer"}
    assert plan.needed_for(None) == STAGES
    assert maker_of("roads").name == "network"


def test_layers_of_different_runs_do_not_belong_together():
    """Whatever the code and parameters of today are: only what lies there is compared."""
    manifest, _ = everything_fresh(load_metro("zhengzhou"))
    assert plan.behind(manifest, RESULT_LAYERS) is None
    for record in manifest["stages"].values():
        record["recipe"]["code"] = "of last year"
    assert plan.behind(manifest, RESULT_LAYERS) is None
    manifest["stages"]["network"]["outputs"]["roads"]["digest"] = "made anew"
    found = plan.behind(manifest, ["indicators"])
    assert (found.stage, found.why) == ("routing", "input roads changed since")
    assert plan.behind(manifest, ["borders", "roads", "eco_corridors"]).stage == "ecology"
    assert plan.behind(manifest, ["borders", "roads", "places"]) is None
    assert plan.behind({"stages": {}}, ["roads"]) is None


def test_a_manifest_of_an_earlier_version_heals():
    """Its recipes say too little: everything is stale, and the reason is given once."""
    metro = load_metro("zhengzhou")
    manifest, digests = everything_fresh(metro)
    for record in manifest["stages"].values():
        recipe = record["recipe"]
        record["recipe"] = {key: recipe[key] for key in ("code", "params", "inputs")}
    result = plan.standings(metro, SOURCE, manifest, digests)
    assert {each.state for each in result} == {"stale"}
    told = [each.why for each in result if not each.why.startswith("waits for")]
    assert told == ["recorded by an earlier version of this software"]
    assert plan.behind(manifest, RESULT_LAYERS) is None
