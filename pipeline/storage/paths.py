"""File names: the only place where they are made.

Where things lie under ``--data`` and ``--maps`` belongs here; reading and
writing them to `store`. Both roots are local paths or fsspec URLs.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from pipeline.storage.digests import digest_text


@dataclass(frozen=True)
class Paths:
    """The two roots of a run, as strings without a trailing slash.

    With ``scenario``, a metro's folder is that scenario's, inside the metro's own; with
    ``state``, that of its state at a date.
    """

    data: str = "data"
    maps: str = "maps"
    scenario: str = ""
    state: str = ""

    @classmethod
    def of(cls, data: str, maps: str) -> Paths:
        """Roots as given on the command line; local ones become absolute for the workers."""
        return cls(absolute(data), absolute(maps))

    @property
    def processed(self) -> str:
        """Folder of the metros' folders."""
        return f"{self.data}/processed"

    @property
    def raw(self) -> str:
        """Folder of inputs; always local, since downloads go on and extracts are seeked in."""
        return f"{_absolute_path('data') if is_url(self.data) else self.data}/raw"

    def shared_input(self, digest: str, name: str) -> str:
        """Where an input lies for workers that do not see this machine's files."""
        return f"{self.data}/raw/by-digest/{digest}/{name}"

    def metro(self, metro_id: str) -> str:
        """Folder of a metro's layers."""
        inside = f"/scenarios/{self.scenario}" if self.scenario else ""
        inside += f"/history/{self.state}" if self.state else ""
        return f"{self.processed}/{metro_id}{inside}"

    def layer(self, metro_id: str, layer: str, is_folder: bool = False) -> str:
        """A layer's file, or folder of parts."""
        return f"{self.metro(metro_id)}/{layer}" + ("" if is_folder else ".parquet")

    def manifest(self, metro_id: str) -> str:
        """A metro's manifest."""
        return f"{self.metro(metro_id)}/manifest.json"

    def own_folders(self, metro_id: str) -> tuple[tuple[str, str], ...]:
        """The folders that a metro is written to, each with the root that is to hold it."""
        pages = (self.page(metro_id), self.page("assets"))
        return ((self.metro(metro_id), self.data), *((each, self.maps) for each in pages))

    def export(self, metro_id: str, form: str) -> str:
        """An exported file; for CSV, whose layers are a file each, a folder."""
        return f"{self.metro(metro_id)}/exports/{metro_id}" + (
            "-csv" if form == "csv" else f".{form}"
        )

    def lock(self, metro_id: str) -> str:
        """The lock of a metro's folder."""
        return f"{self.metro(metro_id)}/.lock"

    @property
    def maps_lock(self) -> str:
        """The lock of ``index.html``."""
        return f"{self.maps}/assets/.index.lock"

    def page(self, name: str) -> str:
        """A page or asset, by its name relative to the maps folder."""
        return f"{self.maps}/{name}"

    def sample(self, metro_id: str) -> Path:
        """The embedded sample's extract; its truth file stands beside it."""
        return Path(self.raw) / f"{metro_id}.sample.osm.pbf"

    def extract(self, name: str) -> Path:
        """A downloaded extract, by its Geofabrik name (``asia/china/henan``)."""
        return Path(self.raw, *f"{name}-latest.osm.pbf".split("/"))

    def extract_by_last_part(self, name: str) -> Path:
        """Where earlier versions put a downloaded extract: ``henan-latest.osm.pbf``."""
        return Path(self.raw) / f"{name.rsplit('/', 1)[-1]}-latest.osm.pbf"

    def made_extract(self, metro_id: str, source: str) -> Path:
        """The extract made of a source that is none: of Overpass answers or vector files."""
        return Path(self.raw) / f"{metro_id}.{source}.osm.pbf"

    @property
    def states(self) -> Path:
        """Folder of states that were taken out of full-history files, shared by all metros."""
        return Path(self.raw) / "states"

    @property
    def overpass_tiles(self) -> Path:
        """Folder of Overpass answers, shared by all metros."""
        return Path(self.raw) / "overpass"

    def feed(self, url: str) -> Path:
        """The local copy of a timetable that is given as a URL."""
        plain = url.split("?", 1)[0].split("#", 1)[0].rstrip("/").rsplit("/", 1)[-1]
        name = re.sub(r"[^A-Za-z0-9._-]+", "-", plain).strip(".-")[-64:] or "feed"
        return Path(self.raw) / "gtfs" / f"{digest_text(url)[:12]}-{name}"

    def own_extract(self, metro_id: str) -> Path:
        """An extract that a user put there for a metro."""
        return Path(self.raw) / f"{metro_id}.osm.pbf"


def is_url(root: str) -> bool:
    """True for an fsspec URL such as ``s3://bucket/data``."""
    return "://" in root


def absolute(root: str) -> str:
    """A root without a trailing slash; a local path made absolute, a file URL made a path."""
    root = root.removeprefix("file://")
    return root.rstrip("/") if is_url(root) else _absolute_path(root)


def _absolute_path(path: str) -> str:
    return str(Path(path).resolve())
