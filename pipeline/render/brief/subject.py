"""What all briefs of one metro share: its layers, the ground of its maps, names and addresses."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote

from markupsafe import Markup

from pipeline.metros.catalogue import Metro
from pipeline.render.brief.map_frame import Ground
from pipeline.render.page import bilingual as say
from pipeline.render.page import style
from pipeline.render.page.encode import Layers
from pipeline.render.page.facts import PageFacts
from pipeline.terms import has_cjk

Row = dict[str, object]
"""What a template shows of one row of a table."""


@dataclass(frozen=True)
class Subject:
    """The metro that the briefs are about; layers in WGS84."""

    metro: Metro
    facts: PageFacts
    layers: Layers
    ground: Ground

    @property
    def is_chinese(self) -> bool:
        named = self.layers["cities"]["name"].dropna()
        return style.is_chinese(self.metro) or any(map(has_cjk, named))

    def names(self, city_id: object) -> tuple[str, str]:
        """A city's names, Chinese and English; its id where it is none of the metro's."""
        cities = self.layers["cities"]
        row = cities[(cities["city_id"] == city_id).to_numpy()]
        if row.empty:
            return str(city_id), str(city_id)
        return style.city_names(row["name"].iloc[0], row["name_en"].iloc[0])

    def city(self, city_id: object) -> Markup:
        """A city's name for a table, which clips it where it is long."""
        if say.is_unknown(city_id):
            return say.unknown()
        return Markup('<span class="city">{}</span>').format(say.both(*self.names(city_id)))

    def link(self, theme: str, layer: str, key: object) -> str:
        """Address of a finding on the metro's page, from a brief."""
        return f"../{self.metro.id}.html#theme={theme}&at={layer}:{quote(str(key), safe='')}"
