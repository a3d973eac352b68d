"""Which stages are fresh, stale or missing, and why.

Pure: a stage's recipe as it is now is compared with the one its manifest recorded, and
the recorded digests of its outputs with those on disk. What a recipe is made of belongs
to `recipe`, reading manifests to `manifest`, running stages to `runner`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from pipeline.flow.manifest import PAGE, Manifest, StageRecord, recorded_digests
from pipeline.flow.recipe import Fingerprint, Recipe, difference, recipe_of
from pipeline.flow.stages import STAGES, Stage, maker_of
from pipeline.metros.catalogue import Metro

State = Literal["fresh", "stale", "missing"]


@dataclass(frozen=True)
class Standing:
    """Where one stage stands, with the reason in words."""

    stage: str
    state: State
    why: str


def standing_of(
    stage: Stage,
    recorded: StageRecord | None,
    wanted: Recipe,
    on_disk: Mapping[str, str | None],
) -> Standing:
    """Compare one stage's manifest record with its recipe and the files on disk.

    Parameters
    ----------
    recorded
        The stage's record in ``manifest.json``; None when it never finished.
    on_disk
        Digest of every recorded output as it lies there now; None where missing.
    """
    if recorded is None:
        return Standing(stage.name, "missing", "not yet made")
    change = difference(recorded["recipe"], wanted)
    if change:
        return Standing(stage.name, "stale", change)
    layers = {name for name in recorded["outputs"] if not (stage.is_page and name.startswith(PAGE))}
    if layers != set(stage.outputs):
        return Standing(stage.name, "stale", "its record does not name what it makes")
    for output, entry in recorded["outputs"].items():
        if on_disk.get(output) is None:
            return Standing(stage.name, "missing", f"{output} is gone")
        if on_disk[output] != entry["digest"]:
            return Standing(stage.name, "stale", f"{output} was changed or damaged")
    return Standing(stage.name, "fresh", "up to date")


def standings(
    metro: Metro,
    source: Fingerprint,
    manifest: Manifest,
    on_disk: Mapping[str, str | None],
) -> list[Standing]:
    """Where every stage stands, as far as can be known without running any."""
    records = manifest["stages"]
    digests = recorded_digests(records)
    result: list[Standing] = []
    unsure: set[str] = set()
    for stage in STAGES:
        waiting = sorted(set(stage.inputs) & unsure)
        if waiting:
            makers = ", ".join(dict.fromkeys(maker_of(layer).name for layer in waiting))
            state: State = "stale" if stage.name in records else "missing"
            standing = Standing(stage.name, state, f"waits for {makers}")
        else:
            wanted = recipe_of(stage, metro, source, digests)
            standing = standing_of(stage, records.get(stage.name), wanted, on_disk)
        if standing.state != "fresh":
            unsure.update(stage.outputs)
        result.append(standing)
    return result


def behind(manifest: Manifest, layers: Iterable[str]) -> Standing | None:
    """The first stage whose layer was made of inputs other than those recorded now.

    Looks at ``layers`` and at all they were made of, however far. What a stage would
    be made of today (its code, the parameters) does not matter here: a finished run
    stays a finished run. None where the layers belong together.
    """
    records = manifest["stages"]
    digests = recorded_digests(records)
    wanted = set(layers)
    found = None
    for stage in reversed(STAGES):
        record = records.get(stage.name)
        if record is None or not wanted & set(record["outputs"]):
            continue
        inputs = record["recipe"].get("inputs", {})
        wanted |= set(inputs)
        old = sorted(name for name, digest in inputs.items() if digests.get(name) != digest)
        if old:
            found = Standing(stage.name, "stale", f"input {', '.join(old)} changed since")
    return found


def needed_for(until: Sequence[str] | None) -> tuple[Stage, ...]:
    """The stages that some stages need, themselves included, in order; all for None."""
    if until is None:
        return STAGES
    wanted = set(until)
    for stage in reversed(STAGES):
        if stage.name in wanted:
            wanted |= {maker_of(layer).name for layer in stage.inputs}
    return tuple(stage for stage in STAGES if stage.name in wanted)
