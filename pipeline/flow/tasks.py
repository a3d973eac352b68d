"""What a worker does: one stage, or one part of it, from the layers it takes to those it makes.

What belongs here: loading inputs (kept for the next task of the worker), calling the
stage's function, checking what it made against the declarations, saving. Which tasks there
are and in what order belongs to `runner`. Tasks get paths, keys and digests; frames travel
only between the parts of one stage and their combination.
"""

from __future__ import annotations

import inspect
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib.metadata import version
from typing import TypeAlias, cast

import geopandas as gpd
import pandas as pd
import pyproj

from pipeline.crs import local_metric_crs
from pipeline.errors import StageError, without_secrets
from pipeline.flow import store
from pipeline.flow.manifest import PAGE, Facts, Made
from pipeline.flow.source_files import Shared, metro_here, source_here
from pipeline.flow.split import Key
from pipeline.flow.stages import STAGES, Result, Stage
from pipeline.layers import LAYERS, conform
from pipeline.measures.routing.graph import RoutingNetwork
from pipeline.metros.catalogue import Metro
from pipeline.parameters import StageParams
from pipeline.render.page.facts import PageFacts
from pipeline.sources.kinds import licence_of_layers
from pipeline.sources.source import Extract, Source
from pipeline.storage import files
from pipeline.storage.digests import file_keys
from pipeline.storage.locks import Lock
from pipeline.storage.paths import Paths

LayerValue: TypeAlias = "pd.DataFrame | RoutingNetwork"
Loaded: TypeAlias = "LayerValue | store.Parts"
SavedPart: TypeAlias = "tuple[store.Saved, str]"
"""A part of a folder layer, and where it was saved."""


@dataclass(frozen=True)
class StageTask:
    """All that a worker needs to run one stage, small enough to send with every task."""

    stage: str
    metro: Metro
    source: Source
    paths: Paths
    inputs: dict[str, str]
    """Digest of every input layer."""
    facts: Facts
    folder: str = ""
    """Where the parts of a folder layer are gathered."""
    shared: Shared = field(default_factory=dict)
    lock: Lock = field(default_factory=Lock)


def run_whole(task: StageTask) -> Made:
    """Run an unsplit stage and save its outputs."""
    stage = _stage(task)
    result = _call(task)
    if isinstance(result, Extract):
        facts = cast("Facts", result.facts)
        return Made(_save_layers(replace(task, facts=facts), result.layers), facts)
    if stage.is_page:
        return _save_pages(task, pages_of(result))
    return Made(_save_layers(task, _by_layer(stage, result)))


def run_part(task: StageTask, number: int, key: Key) -> dict[str, pd.DataFrame] | SavedPart:
    """Run one part of a split stage; its frames, or the saved part of a folder layer."""
    stage = _stage(task)
    if stage.split is None:
        raise StageError(f"stage {stage.name} is not split")
    result = _by_layer(stage, _call(task, {stage.split.into: key}))
    checked = {name: conform(name, _frame(name, value)) for name, value in result.items()}
    if stage.combine == "concatenate":
        return {name: _as_stored(frame) for name, frame in checked.items()}
    (name,) = stage.outputs
    path = f"{task.folder}/part-{number:05d}.parquet"
    task.lock.check()
    return store.write_layer(path, name, checked[name], _metadata(task)), path


def combine_parts(
    task: StageTask, parts: Sequence[dict[str, pd.DataFrame]] | Sequence[SavedPart]
) -> Made:
    """Join the parts of a split stage and save."""
    stage = _stage(task)
    if stage.combine == "parts":
        (name,) = stage.outputs
        return Made({name: _publish(task, name, cast("Sequence[SavedPart]", parts))})
    frames = cast("Sequence[dict[str, pd.DataFrame]]", parts)
    joined = {name: _concatenate([part[name] for part in frames]) for name in stage.outputs}
    return Made(_save_layers(task, joined))


def _publish(task: StageTask, layer: str, parts: Sequence[SavedPart]) -> store.Saved:
    """Put the saved parts of a folder layer in its place, all at once."""
    target = task.paths.layer(task.metro.id, layer, is_folder=True)
    digests = {files.name_of(path): saved.digest for saved, path in parts}
    task.lock.check()
    digest = files.publish_parts(task.folder, target, digests)
    rows = sum(saved.rows for saved, _ in parts)
    size = sum(saved.bytes for saved, _ in parts)
    return store.Saved(digest, rows, size)


# --- the call ---------------------------------------------------------------------------


def _call(task: StageTask, split: Mapping[str, Key] | None = None) -> Result:
    stage = _stage(task)
    is_metric = not stage.is_page and "centre" in task.facts
    crs = metric_crs(task.facts) if is_metric else None
    loaded = {name: _load(task, name, crs) for name in stage.inputs}
    asked = inspect.signature(stage.func).parameters
    given = {name: value for name, value in _offered(task, split or {}).items() if name in asked}
    if "source" in asked:
        given["source"] = source_here(task.source, task.shared)
    return stage.func(**as_arguments(stage.func, loaded), **given)


def _offered(task: StageTask, split: Mapping[str, Key]) -> dict[str, object]:
    """What a stage's function may ask for by name, besides its inputs."""
    stage, metro = _stage(task), metro_here(task.metro, task.shared)
    sections = {name: params_of(metro, name) for name in stage.params}
    offered: dict[str, object] = {
        "metro": metro,
        "paths": task.paths,
        "facts": page_facts(task.source, task.facts) if stage.is_page else task.facts,
        **{f"{name}_params": section for name, section in sections.items()},
        **split,
    }
    if stage.params:
        offered["params"] = sections[stage.params[0]]
    return offered


def as_arguments(
    func: Callable[..., object], layers: Mapping[str, Loaded]
) -> Mapping[str, Loaded | Mapping[str, Loaded]]:
    """A stage's inputs as its function takes them: one parameter each, or one of all.

    A function with a parameter ``layers`` gets them as a mapping by layer name.
    """
    if "layers" in inspect.signature(func).parameters:
        return {"layers": dict(layers)}
    return dict(layers)


def pages_of(result: Result) -> dict[str, bytes]:
    """What the function of a page stage returned: pages by name.

    Raises
    ------
    StageError
        It returned something else.
    """
    if not isinstance(result, Mapping):
        raise StageError(f"a page stage returned a {type(result).__name__}, expected pages")
    return {name: bytes(content) for name, content in result.items()}


def params_of(metro: Metro, section: str) -> StageParams:
    """One section of a metro's parameters."""
    found: StageParams = getattr(metro.params, section)
    return found


def page_facts(source: Source, facts: Facts) -> PageFacts:
    """What a page says of its data, from the facts of the extract."""
    lon, lat = facts["centre"]
    return PageFacts(
        source_kind=source.kind,
        source_files=tuple(file_keys(source.files).values()),
        boundaries=facts.get("boundaries", ""),
        osm_snapshot=facts.get("osm_snapshot"),
        is_synthetic=bool(facts.get("is_synthetic")),
        notes=tuple(map(without_secrets, facts.get("notes", ()))),
        version=version("metro-integration"),
        crs_note=f"LAEA, centre {lon:.2f} {lat:.2f}, WGS84",
    )


def metric_crs(facts: Facts) -> pyproj.CRS:
    """The metro's metric CRS, from the facts of its extract."""
    lon, lat = facts["centre"]
    return local_metric_crs(lon, lat)


# --- inputs -----------------------------------------------------------------------------

CACHE_BYTES = 400_000_000
WHOLE_ROWS = 8_000_000
"""Rows of a layer in parts that are read whole, which is faster; more come part by part."""


class LayerCache:
    """The layers that a worker loaded last, by path, digest and CRS.

    Tasks of one stage that run on one worker share what it loaded. A worker may have
    several threads: one loads, the others wait and share.
    """

    def __init__(self, limit_bytes: int = CACHE_BYTES) -> None:
        self._limit = limit_bytes
        self._held: OrderedDict[tuple[str, str, str], tuple[int, Loaded]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: tuple[str, str, str], load: Callable[[], Loaded]) -> Loaded:
        """What is held under a key, loaded where it is not; the least used make room."""
        with self._lock:
            if key not in self._held:
                value = load()
                self._held[key] = (_size(value), value)
                while sum(size for size, _ in self._held.values()) > self._limit:
                    if len(self._held) == 1:
                        break
                    self._held.popitem(last=False)
            self._held.move_to_end(key)
            return self._held[key][1]


LOADED = LayerCache()


def _load(task: StageTask, layer: str, crs: pyproj.CRS | None) -> Loaded:
    """Load an input: what the stage before made, byte for byte, else a StoreError."""
    path = task.paths.layer(task.metro.id, layer, LAYERS[layer].is_folder)
    digest = task.inputs[layer]
    key = (path, digest, "" if crs is None else str(task.facts["centre"]))
    return LOADED.get(key, lambda: _read(path, layer, crs, digest))


def _read(path: str, layer: str, crs: pyproj.CRS | None, digest: str) -> Loaded:
    if LAYERS[layer].kind == "arrays":
        return RoutingNetwork.from_arrays(store.read_arrays(path, digest))
    if LAYERS[layer].is_folder:
        parts = store.Parts(path, layer, digest)
        if len(parts) > WHOLE_ROWS:
            return parts
    return store.read_layer(path, layer, crs, digest)


def _size(value: Loaded) -> int:
    """Rough memory of a layer: a geometry costs a few hundred bytes beyond its row.

    Arrays are mapped, and parts read when they are wanted.
    """
    if not isinstance(value, pd.DataFrame):
        return 0
    plain = int(pd.DataFrame(value).memory_usage(index=False).sum())
    return plain + (400 * len(value) if isinstance(value, gpd.GeoDataFrame) else 0)


# --- outputs ----------------------------------------------------------------------------


def _by_layer(stage: Stage, result: Result) -> dict[str, LayerValue]:
    made = dict(result) if isinstance(result, Mapping) else {stage.outputs[0]: result}
    if set(made) != set(stage.outputs):
        raise StageError(
            f"stage {stage.name} made {sorted(made)}, expected {sorted(stage.outputs)}"
        )
    return cast("dict[str, LayerValue]", made)


def _frame(name: str, value: LayerValue) -> pd.DataFrame:
    if not isinstance(value, pd.DataFrame):
        raise StageError(f"layer {name} is a {type(value).__name__}, expected a frame")
    return value


def _concatenate(frames: list[pd.DataFrame]) -> pd.DataFrame:
    filled = [frame for frame in frames if len(frame)] or frames[:1]
    joined = pd.concat(filled, ignore_index=True)
    if isinstance(filled[0], gpd.GeoDataFrame):
        return gpd.GeoDataFrame(joined, geometry="geometry", crs=filled[0].crs)
    return joined


def _as_stored(frame: pd.DataFrame) -> pd.DataFrame:
    return store.in_wgs84(frame) if isinstance(frame, gpd.GeoDataFrame) else frame


def _save_layers(task: StageTask, layers: Mapping[str, LayerValue]) -> dict[str, store.Saved]:
    task.lock.check()
    saved = {}
    for name, value in layers.items():
        path = task.paths.layer(task.metro.id, name, LAYERS[name].is_folder)
        if isinstance(value, RoutingNetwork):
            saved[name] = store.write_arrays(path, value.to_arrays())
        else:
            frame = conform(name, _frame(name, value))
            saved[name] = store.write_layer(path, name, frame, _metadata(task))
    return saved


def _save_pages(task: StageTask, pages: Mapping[str, bytes]) -> Made:
    task.lock.check()
    outputs = {}
    for name, content in pages.items():
        files.write_bytes(task.paths.page(name), content)
        digest = files.digest_of(task.paths.page(name)) or ""
        outputs[f"{PAGE}{name}"] = store.Saved(digest, 0, len(content))
    return Made(outputs)


def _metadata(task: StageTask) -> dict[str, str]:
    tables = _stage(task).tables
    return {
        **{
            f"{table}_raster": each.attribution
            for table, each in sorted(task.metro.fetched.items())
            if table in tables
        },
        "metro": task.metro.id,
        "source": task.source.kind,
        "osm_snapshot": task.facts.get("osm_snapshot") or "unknown",
        "roads_synthetic": "true" if task.facts.get("is_synthetic") else "false",
        "licence": licence_of_layers(task.source.kind),
    }


def _stage(task: StageTask) -> Stage:
    return next(stage for stage in STAGES if stage.name == task.stage)
