"""Freshness: what a stage depends on, and in which words its staleness is told."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.flow import plan
from pipeline.flow.stages import STAGES, maker_of
from pipeline.layers import LAYERS, RESULT_LAYERS
from pipeline.metros.catalogue import LandCover, load_metro

SOURCE = {"kind": "sample", "files": {"x.pbf": "0"}}


def everything_fresh(metro):
    """A manifest as a whole finished run leaves it, with made-up digests."""
    digests = {}
    stages = {}
    for stage in STAGES:
        recipe = plan.recipe_of(stage, metro, SOURCE, digests)
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
    result = plan.standings(metro, {"kind": "pbf", "files": {}}, manifest, digests)
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


def test_nothing_made_yet():
    result = plan.standings(load_metro("zhengzhou"), SOURCE, {}, {})
    assert set(state_of(result).values()) == {"missing"}


def test_until_takes_what_a_stage_needs_and_no_more():
    names = [stage.name for stage in plan.needed_for(["borders"])]
    assert names == ["extract", "borders"]
    both = {stage.name for stage in plan.needed_for(["borders", "gazetteer"])}
    assert both == {"extract", "borders", "gazetteer"}
    assert plan.needed_for(None) == STAGES
    assert maker_of("roads").name == "network"


def test_code_digest_reaches_imported_modules():
    assert "pipeline.metros.config" in plan.imported_by("pipeline.metros.catalogue")
    assert plan.code_digest("pipeline.metros.catalogue") != plan.code_digest(
        "pipeline.metros.config"
    )


def test_a_page_depends_on_its_templates():
    names = {path.name for path in plan._files_of("pipeline.render.page.metro_map")}
    assert {"metro_map.py", "words.toml", "page.css"} <= names
    assert {path.suffix for path in plan._files_of("pipeline.flow.plan")} == {".py"}


def test_caches_are_no_source():
    from pipeline.measures import routing

    cache = Path(routing.__file__).parent / "__pycache__" / "test_plan.nbi"
    cache.parent.mkdir(exist_ok=True)
    before = plan._files_of.__wrapped__("pipeline.measures.routing")
    try:
        cache.write_bytes(b"x")
        assert plan._files_of.__wrapped__("pipeline.measures.routing") == before
    finally:
        cache.unlink()


def test_a_changed_raster_makes_the_stage_that_reads_it_stale_and_no_other():
    stage = replace(next(s for s in STAGES if s.name == "ecology"), tables=("land_cover",))
    inputs = {name: "d" for name in stage.inputs}
    metro = load_metro("zhengzhou")

    def recipe(metro, stamp):
        stamps = {"land_cover": {"a.tif": stamp}}
        return plan.recipe_of(stage, metro, SOURCE | {"tables": stamps}, inputs)

    before = recipe(metro, "1")
    assert plan.difference(before, recipe(metro, "1")) == ""
    assert plan.difference(before, recipe(metro, "2")) == "a file of [land_cover] changed"
    other = metro.model_copy(update={"land_cover": LandCover(raster="b.tif")})
    assert plan.difference(before, recipe(other, "1")) == "[land_cover] changed"
    extract = STAGES[0]
    with_stamps = SOURCE | {"tables": {"land_cover": {"a.tif": "1"}}}
    assert plan.recipe_of(extract, metro, with_stamps, {}) == plan.recipe_of(
        extract, metro, SOURCE, {}
    )


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
