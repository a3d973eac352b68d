"""Damaged manifests and metro files: taken, or refused in one line; nothing elsewhere is touched.

The order of seeds is fixed: a failure is reported by its seed and comes again.
"""

from __future__ import annotations

import copy
import json
import random
import time
from pathlib import Path

import pytest
from fuzz_inputs import mutate

from pipeline.errors import PipelineError
from pipeline.flow import plan
from pipeline.flow.finished import Finished, metro_of
from pipeline.flow.manifest import digests_on_disk, is_own_page, read_manifest
from pipeline.flow.recipe import difference, recipe_of
from pipeline.flow.stages import STAGES
from pipeline.metros.catalogue import METROS_FOLDER, load_metro
from pipeline.storage.paths import Paths

FEW, MANY = 40, 1_000
METRO = load_metro("zhengzhou")
SOURCE = {"kind": "pbf", "files": {"x.osm.pbf": "1"}, "polys": {}, "tables": {}}
ODD = (
    None,
    True,
    -1,
    0,
    10**30,
    1e308,
    float("nan"),
    float("inf"),
    "",
    "x" * 5_000,
    "\ud800",
    "../../x",
    "page:../../x",
    "page:zhengzhou/",
    "\x1b[2J",
    [],
    {},
    [[[[]]]],
    {"a": {"a": {"a": {}}}},
    ["x"],
    {"x": 1},
)


def whole_manifest():
    digests = {layer: "d" * 32 for stage in STAGES for layer in stage.outputs}
    tables = {name: {} for stage in STAGES for name in stage.tables}
    source = {**SOURCE, "tables": tables}
    stages = {
        stage.name: {
            "recipe": dict(recipe_of(stage, METRO, source, digests)),
            "outputs": {
                name: {"digest": "d" * 32, "rows": 1, "bytes": 1}
                for name in (*stage.outputs, *(["page:zhengzhou.html"] if stage.is_page else []))
            },
            "seconds": 1.0,
            "tasks": 1,
            "finished": "2026-01-01T00:00:00+00:00",
        }
        for stage in STAGES
    }
    return {
        "format": 2,
        "metro": METRO.model_dump(mode="json"),
        "source": source,
        "versions": {"python": "3"},
        "facts": {"centre": [113.6, 34.7], "osm_snapshot": None, "is_synthetic": True, "notes": []},
        "stages": stages,
    }


WHOLE = whole_manifest()
TEXT = json.dumps(WHOLE).encode()


def damaged(seed):
    """A value of another kind somewhere, a name that leads elsewhere, or other bytes."""
    rng = random.Random(f"manifest-{seed}")
    if rng.random() < 0.3:
        return mutate(TEXT, ".json", rng)
    content = copy.deepcopy(WHOLE)
    for _ in range(rng.choice((1, 1, 2, 5))):
        place = content
        while True:
            keys = list(place) if isinstance(place, dict) else list(range(len(place)))
            key = rng.choice(keys)
            if not isinstance(place[key], (dict, list)) or not place[key] or rng.random() < 0.25:
                break
            place = place[key]
        odd = copy.deepcopy(rng.choice(ODD))
        if isinstance(place, dict) and rng.random() < 0.3:
            place[str(odd)] = place.pop(key)
        else:
            place[key] = odd
        if not content:
            break
    return json.dumps(content).encode("utf-8", "surrogatepass")


def use(folder, paths):
    """All that verbs do with a manifest before they believe it."""
    told = []
    manifest = read_manifest(str(folder / "manifest.json"), "zhengzhou", told.append)
    assert not told or manifest == {"stages": {}}
    on_disk = {}
    for record in manifest["stages"].values():
        found = digests_on_disk(paths, "zhengzhou", record)
        assert set(found.values()) <= {None}, "there is no file"
        on_disk |= found
        difference(record["recipe"], WHOLE["stages"]["borders"]["recipe"])
        for output in record["outputs"]:
            page = output.removeprefix("page:")
            if is_own_page("zhengzhou", page):
                path = Path(paths.page(page)).resolve()
                assert path.is_relative_to(Path(paths.maps).resolve()), output
    plan.standings(METRO, WHOLE["source"], manifest, on_disk)
    plan.behind(manifest, ("roads", "zones"))
    json.dumps(manifest, ensure_ascii=False, indent=1, sort_keys=True).encode()
    try:
        found = Finished.at(str(folder))
        metro_of(found.manifest, str(folder))
    except PipelineError as error:
        assert 0 < len(str(error)) < 4_000
        return "refused"
    return "taken"


def check_manifests(seeds, tmp_path):
    folder = tmp_path / "data" / "processed" / "zhengzhou"
    folder.mkdir(parents=True)
    (tmp_path / "x").write_text("canary")
    paths = Paths.of(str(tmp_path / "data"), str(tmp_path / "maps"))
    verdicts = []
    for seed in seeds:
        (folder / "manifest.json").write_bytes(damaged(seed))
        began = time.process_time()
        try:
            verdicts.append(use(folder, paths))
        except Exception as error:
            raise AssertionError(f"manifest seed {seed}") from error
        assert time.process_time() - began < 20, seed
    assert {"taken", "refused"} == set(verdicts)
    assert (tmp_path / "x").read_text() == "canary"


def check_metro_files(seeds, tmp_path):
    sources = [path.read_bytes() for path in sorted(METROS_FOLDER.glob("*.toml"))]
    verdicts = set()
    for seed in seeds:
        rng = random.Random(f"metro-{seed}")
        path = tmp_path / "m.toml"
        path.write_bytes(mutate(rng.choice(sources), ".toml", rng))
        try:
            load_metro(str(path))
            verdicts.add("taken")
        except PipelineError as error:
            assert error.exit_code == 2, seed
            assert 0 < len(str(error)) < 8_000, seed
            verdicts.add("refused")
        except Exception as error:
            raise AssertionError(f"metro file seed {seed}") from error
    assert verdicts == {"taken", "refused"}


def test_the_undamaged_manifest_is_taken(tmp_path):
    folder = tmp_path / "data" / "processed" / "zhengzhou"
    folder.mkdir(parents=True)
    (folder / "manifest.json").write_bytes(TEXT)
    paths = Paths.of(str(tmp_path / "data"), str(tmp_path / "maps"))
    assert use(folder, paths) == "taken"
    assert len(read_manifest(str(folder / "manifest.json"))["stages"]) == len(STAGES)


def test_a_few_damaged_manifests(tmp_path):
    check_manifests(range(FEW), tmp_path)


def test_a_few_damaged_metro_files(tmp_path):
    check_metro_files(range(FEW), tmp_path)


@pytest.mark.sweep
def test_many_damaged_manifests(tmp_path):
    check_manifests(range(FEW, FEW + MANY), tmp_path)


@pytest.mark.sweep
def test_many_damaged_metro_files(tmp_path):
    check_metro_files(range(FEW, FEW + MANY), tmp_path)
