"""What is written of a scenario that ended: tables of differences, its page, its whole map."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pandas as pd

from pipeline.flow import store
from pipeline.flow.finished import Finished
from pipeline.flow.index import write_index
from pipeline.flow.stages import STAGES
from pipeline.flow.tasks import as_arguments, pages_of
from pipeline.metros.catalogue import Metro
from pipeline.scenario import changes
from pipeline.scenario.base import Base
from pipeline.storage import files
from pipeline.storage.paths import Paths

_DRAWN = ("cities", "borders", "roads", "build_sequence")
"""Layers of the base that a scenario's page takes."""


def write_report(base: Base, own: Paths, name: str, chosen: Sequence[str]) -> str:
    """Write the tables of differences and the pages of a scenario; the page's path.

    Parameters
    ----------
    own
        Paths of the scenario's folder.
    chosen
        Ids of the links that were built.
    """
    metro_id = base.metro.id
    files.clear_leftovers(own.page(metro_id), "scenario-")
    files.clear_leftovers(own.maps, f"{metro_id}-scenario-")
    made = Finished.at(own.metro(metro_id))
    tables = _differences(base, made)
    metadata = store.read_metadata(base.path("roads")) | {"scenario": name}
    metadata.pop("layer", None)
    for layer, table in tables.items():
        store.write_layer(own.layer(metro_id, layer), layer, table, metadata)
    about = {"name": name, "links": list(chosen)}
    store.write_json(f"{own.metro(metro_id)}/scenario.json", about)
    path = own.page(f"{metro_id}/scenario-{name}.html")
    files.write_bytes(path, _page(base, made, name, chosen, tables))
    whole = own.page(map_page(metro_id, name))
    files.write_bytes(whole, _whole_map(base, made, name, len(chosen)))
    # The index lists it.
    write_index(base.paths)
    return path


def map_page(metro_id: str, name: str) -> str:
    """The scenario's whole map, beside the metro's own, so that links on it lead on."""
    return f"{metro_id}-scenario-{name}.html"


def _differences(base: Base, made: Finished) -> dict[str, pd.DataFrame]:
    layers = (*changes.LAYERS_NEEDED, *changes.OPTIONAL_LAYERS)
    before, after = ({layer: run.layer(layer) for layer in layers} for run in (base, made))
    return {
        "changes": changes.differences(
            before, after, base.metro.params.integration, has_same_pairs=True
        ),
        "zone_changes": changes.zone_changes(before["zones"], after["zones"]),
    }


def _page(
    base: Base,
    made: Finished,
    name: str,
    chosen: Sequence[str],
    tables: dict[str, pd.DataFrame],
) -> bytes:
    from pipeline.render.review.scenario_page import render_scenario

    links = base.layer("missing_links")
    return render_scenario(
        base.metro,
        base.page_facts,
        name,
        {layer: base.layer(layer) for layer in _DRAWN} | tables,
        links=links[links["link_id"].isin(chosen).to_numpy(bool)],
        left=len(made.layer("missing_links")),
    )


def _whole_map(base: Base, made: Finished, name: str, count: int) -> bytes:
    """The metro's page as if the links were open; its name and a note say that they are not."""
    stage = next(each for each in STAGES if each.name == "metro_map")
    layers = {layer: made.layer(layer) for layer in stage.inputs}
    facts = base.page_facts
    note = f"情景 scenario {name}: {count} 条待打通路段假设已通车 missing links as if open"
    metro = _renamed(base.metro, name)
    result = stage.func(
        metro,
        replace(facts, notes=(note, *facts.notes)),
        metro.params.map,
        **as_arguments(stage.func, layers),
        has_briefs=False,
    )
    return pages_of(result)[f"{metro.id}.html"]


def _renamed(metro: Metro, scenario: str) -> Metro:
    names = {
        "name": f"{metro.name or metro.id}（情景 {scenario}）",
        "name_en": f"{metro.name_en or metro.id}, scenario {scenario}",
    }
    return metro.model_copy(update=names)
