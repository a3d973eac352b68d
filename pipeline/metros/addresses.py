"""Addresses of open data: one table, which a metro file or the environment overrides.

What belongs here: where each data set lies by default, and the address of one of its files.
What the data are belongs to those who read them; OpenStreetMap's servers are `geofabrik`'s and
`overpass`'s.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass

from pipeline.errors import ConfigError, SourceError, without_secrets

NOTHING = "none"
"""In place of a mirror in the environment: this machine fetches none of it."""


@dataclass(frozen=True)
class Address:
    """Where a data set lies.

    Attributes
    ----------
    name
        Its key in a metro file's ``[addresses]``.
    base, path
        The server, and what follows for one file, with ``{fields}`` that each file fills in.
    variable
        Environment variable that names a mirror, which goes before the metro file.
    """

    name: str
    base: str
    path: str
    variable: str

    @property
    def fields(self) -> frozenset[str]:
        """Names of the fields of the path."""
        return _fields_of(self.path)


ADDRESSES = (
    Address(
        "worldcover",
        "https://esa-worldcover.s3.eu-central-1.amazonaws.com",
        "/v200/2021/map/ESA_WorldCover_10m_2021_v200_{tile}_Map.tif",
        "METRO_INTEGRATION_WORLDCOVER",
    ),
    Address(
        "worldpop",
        "https://data.worldpop.org",
        "/GIS/Population/Global_2015_2030/R2025A/{year}/{ISO3}/v1/100m/constrained/"
        "{iso3}_pop_{year}_CN_100m_R2025A_v1.tif",
        "METRO_INTEGRATION_WORLDPOP",
    ),
    Address(
        "ghs-pop",
        "https://jeodpp.jrc.ec.europa.eu",
        "/ftp/jrc-opendata/GHSL/GHS_POP_GLOBE_R2023A/GHS_POP_E{year}_GLOBE_R2023A_{grid}/V1-0/"
        "tiles/GHS_POP_E{year}_GLOBE_R2023A_{grid}_V1_0_R{row}_C{column}.zip",
        "METRO_INTEGRATION_GHS_POP",
    ),
)
"""Where each data set lies; seen in public code, none of it promised by those who publish."""


def address_named(name: str) -> Address:
    """The row of a name."""
    return next(each for each in ADDRESSES if each.name == name)


def fault_of(name: str, stated: str) -> str | None:
    """What is wrong with an address that stands in place of a row's; None where nothing is.

    An address without ``{fields}`` is another server for the same path.
    """
    known = {each.name: each for each in ADDRESSES}
    if name not in known:
        return f"no such data set; expected one of {', '.join(known)}"
    if not re.match(r"https?://[^/\s]", stated) or re.search(r"\s", stated):
        return "is no address; expected http:// or https://"
    try:
        strange = sorted(_fields_of(stated) - known[name].fields)
    except ValueError:
        return "has braces that do not match"
    if strange:
        may = ", ".join(sorted(known[name].fields))
        return f"has the field {{{strange[0]}}}, which nothing fills in; expected any of {may}"
    return None


def file_address(name: str, stated: Mapping[str, str], **fields: object) -> str:
    """The address of one file of a data set.

    Parameters
    ----------
    stated
        The metro file's ``[addresses]``; the environment goes before it.
    fields
        What fills in the path.

    Raises
    ------
    SourceError
        The environment says that nothing is to be fetched: `NOTHING` in place of an address.
    ConfigError
        The environment's address is none.
    """
    row = address_named(name)
    own = os.environ.get(row.variable)
    if own == NOTHING:
        raise SourceError(f"nothing is fetched, since {row.variable} is {NOTHING}")
    if own and (fault := fault_of(name, own)):
        raise ConfigError(f"{row.variable}={without_secrets(own)} {fault}")
    mirror = own or stated.get(name) or row.base
    template = mirror if _fields_of(mirror) else mirror.rstrip("/") + row.path
    return template.format_map(fields)


def _fields_of(template: str) -> frozenset[str]:
    """Names between braces; ValueError where braces do not match."""
    plain = re.sub(r"\{\w+\}", "", template)
    if "{" in plain or "}" in plain:
        raise ValueError(template)
    return frozenset(re.findall(r"\{(\w+)\}", template))
