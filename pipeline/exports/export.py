"""Finished layers in the formats of other programs: GPKG, XLSX, CSV, GraphML.

What all formats share belongs here: which layers there are, their CRS, what the
file says of its source, and where it goes. How one format is written belongs to
its module. GeoParquet stays the form that loses nothing.

Every format says whether the roads are synthetic. Text from OSM is data: no cell
of a table becomes a formula.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pyproj

from pipeline.crs import WGS84
from pipeline.errors import ConfigError, StoreError
from pipeline.exports.layer_set import Exported, LayerSet
from pipeline.flow import store
from pipeline.flow.finished import Finished
from pipeline.flow.manifest import Facts
from pipeline.layers import LAYERS, RESULT_LAYERS
from pipeline.storage import files
from pipeline.storage.paths import Paths
from pipeline.storage.scratch import scratch_folder

EXPORTED = (*RESULT_LAYERS, *(name for name, layer in LAYERS.items() if layer.kind == "review"))
"""What is exported where it is there: the results, and what a scenario adds to them."""

EVERY_LAYER = "all"
"""In place of layers' names: every result, in the form that leaves nothing out."""

ONLY_ON_REQUEST = {"gpkg": ("travel_times",)}
"""Layers that a format leaves out unless they are asked for: most of the file, and no map."""

FORMATS = ("gpkg", "xlsx", "csv", "graphml")

_ZONE_3_DEGREES = range(75, 136, 3)
"""Central meridians of the 3-degree zones of CGCS2000, EPSG:4534 to 4554."""


def export(
    metro_id: str,
    paths: Paths,
    form: str,
    crs: str | None = None,
    layers: list[str] | None = None,
    out: str | None = None,
) -> Exported:
    """Write a finished metro's result layers in one format.

    Parameters
    ----------
    metro_id
        A metro with a folder under ``data/processed``.
    form
        One of `FORMATS`.
    crs
        As pyproj reads it (``EPSG:4490``), or ``cgcs2000``: the 3-degree zone of
        the metro's centre. Default WGS84 longitude, latitude.
    layers
        Layers to write; ``["all"]``: every result. By default a workbook is the planner's six
        sheets, a GeoPackage every result but the times from zone to zone, other formats all.
    out
        File (folder for csv); default ``<metro folder>/exports/<metro>.<form>``.

    Raises
    ------
    ConfigError
        Unknown format, layer or CRS, every fault at once.
    StoreError
        If the metro has no finished layers, or they do not belong together, since a
        run was ended in its midst or is still going on.
    """
    folder = Finished.at(paths.metro(metro_id))
    target_crs = _check(form, crs, layers, folder.facts)
    chosen = None if layers == [EVERY_LAYER] else layers
    found = _finished_layers(metro_id, folder, chosen)
    if layers is None:
        found = tuple(each for each in found if each not in ONLY_ON_REQUEST.get(form, ()))
    folder.check(("roads", "road_nodes") if form == "graphml" else found)
    described = store.read_metadata(store.parts_of(folder.path(found[0]))[0])
    name = str(folder.manifest.get("metro", {}).get("name") or metro_id)
    given = LayerSet(metro_id, name, found, folder, described, target_crs)
    target = out or paths.export(metro_id, form)
    _check_target(target, form)
    if out is None:
        files.check_inside([(target, paths.metro(metro_id))])
    files.clear_leftovers_of(target)
    with scratch_folder("export") as folder_of_ours:
        made = folder_of_ours / Path(target).name
        rows, notes = _writer(form, is_raw=layers is not None)(given, made)
        files.publish_file(made, target)
    return Exported(target, rows, tuple(notes))


def _check(form: str, crs: str | None, layers: list[str] | None, facts: Facts) -> pyproj.CRS:
    faults = []
    if form not in FORMATS:
        faults.append(f"--format {form!r}: expected one of {', '.join(FORMATS)}")
    faults += [
        f"--layers {layer!r}: no such result layer; docs/data-dictionary.md lists them"
        for layer in layers or []
        if layer not in EXPORTED and layers != [EVERY_LAYER]
    ]
    if layers and form == "graphml":
        faults.append("--layers: a graphml file holds the road network alone")
    found = WGS84
    try:
        found = _crs_of(crs, facts)
    except ConfigError as error:
        faults.append(str(error))
    if faults:
        raise ConfigError("export", faults)
    return found


def _check_target(target: str, form: str) -> None:
    """Refuse a target in whose place lies anything but an earlier export of its kind."""
    if form != "csv":
        if files.is_folder(target):
            raise ConfigError(f"--out {target} is a folder; expected the name of a {form} file")
        return
    if files.exists(target) and not files.is_folder(target):
        raise ConfigError(f"--out {target} is a file; csv needs the name of a folder")
    own = {f"{layer}.csv" for layer in LAYERS}
    others = [name for name in files.names_in(target) if name not in own]
    if others:
        raise ConfigError(
            f"--out {target} holds what is no export, such as {others[0]!r}, which would be lost; "
            "expected an empty folder, a new one, or that of an earlier export"
        )


def _crs_of(text: str | None, facts: Facts) -> pyproj.CRS:
    if text is None:
        return WGS84
    if text.lower() == "cgcs2000":
        lon = facts.get("centre", [float("nan")])[0]
        if not 73.5 <= lon <= 136.5:
            raise ConfigError("--crs cgcs2000: the metro lies outside the 3-degree zones of China")
        zone = min(_ZONE_3_DEGREES, key=lambda meridian: abs(meridian - lon))
        return pyproj.CRS.from_epsg(4534 + _ZONE_3_DEGREES.index(zone))
    try:
        crs = pyproj.CRS.from_user_input(text)
    except pyproj.exceptions.CRSError as error:
        raise ConfigError(
            f"--crs {text!r} is not a known CRS; expected for example EPSG:4490 or cgcs2000"
        ) from error
    if not (crs.is_geographic or crs.is_projected) or len(crs.axis_info) != 2:
        raise ConfigError(f"--crs {text!r} is not a two-dimensional map CRS")
    return crs


def _finished_layers(metro_id: str, folder: Finished, layers: list[str] | None) -> tuple[str, ...]:
    wanted = [name for name in EXPORTED if layers is None or name in layers]
    found = tuple(name for name in wanted if _is_finished(folder, name))
    if layers is not None and len(found) < len(wanted):
        missing = ", ".join(name for name in wanted if name not in found)
        raise StoreError(f"{metro_id} has no layer {missing}; run the metro first")
    if not found:
        raise StoreError(
            f"no finished layers in {folder.folder}; run `metro-integration run "
            f"{metro_id}` first, or give --data or the name of a --scenario"
        )
    return found


def _is_finished(folder: Finished, layer: str) -> bool:
    """Whether a run recorded a layer; what a scenario adds to them is not recorded."""
    if LAYERS[layer].kind == "review":
        return files.exists(folder.path(layer))
    return folder.digest(layer) is not None


Writer = Callable[[LayerSet, Path], tuple[dict[str, int], list[str]]]


def _writer(form: str, is_raw: bool) -> Writer:
    # Each format brings its own library; only the one asked for is loaded.
    if form == "gpkg":
        from pipeline.exports.gpkg import write_gpkg

        return write_gpkg
    if form == "xlsx" and not is_raw:
        from pipeline.exports.workbook import write_workbook

        return write_workbook
    if form == "xlsx":
        from pipeline.exports.xlsx import write_xlsx

        return write_xlsx
    if form == "csv":
        from pipeline.exports.csv_folder import write_csv

        return write_csv
    from pipeline.exports.graphml import write_graphml

    return write_graphml
