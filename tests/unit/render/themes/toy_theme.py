"""One more theme, added to a copy of the package as a newcomer would: one folder, one line.

It shows the counties, which the page has under another name. Run on the copy it writes the
page of the example metro::

    PYTHONPATH=<copy>:tests/unit/render python toy_theme.py <folder of the page>
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

UNIT = Path(__file__).parents[1]
LINE = "from pipeline.render.themes.toy import TOY as TOY\n"
FOLDER = {
    "__init__.py": '''"""Counties, as a further theme."""

from importlib.resources import files

from pipeline.render.themes.theme import Theme
from pipeline.render.themes.toy.packed import LAYERS, pack

TOY = Theme("toy", files(__name__), LAYERS, pack)
''',
    "packed.py": '''"""Counties, packed."""

from pipeline.render.page.encode import Decimals, encode_layer

LAYERS = ("counties",)
COUNTIES: Decimals = {"county_id": None, "name": None, "area_km2": 1}


def pack(layers, params, thinning):
    """The counties as they are."""
    return {"counties": encode_layer(layers["counties"], COUNTIES)}
''',
    "panel.js": """/*
 * Counties in a table.
 */
import { range } from "../../page/js/arrays.js";
import { heading, para } from "../../page/js/blocks.js";
import { layers } from "../../page/js/data.js";
import { number } from "../../page/js/numbers.js";
import { registerTheme } from "../../page/js/registry.js";
import { table } from "../../page/js/table.js";
import { t } from "../../page/js/words.js";

registerTheme("toy", {
  order: 35,
  overlays: ["borders", "counties"],
  panel: () => [heading("theme.toy", "h2"), para("intro.toy"), countyTable()],
});

function countyTable() {
  const { n, name, area_km2: areas } = layers.counties;
  const columns = [
    { key: "toy.county", text: true, value: (i) => name[i] },
    { key: "toy.area", num: true, value: (i) => number(areas[i], 1) },
  ];
  return table(t("caption.toy"), columns, range(n), "counties");
}
""",
    "overlay.js": """/*
 * Counties on the map.
 */
import { AreaLayer } from "../../page/js/areas.js";
import { layers } from "../../page/js/data.js";
import { number } from "../../page/js/numbers.js";
import { registerFeature, registerOverlay } from "../../page/js/registry.js";
import { t } from "../../page/js/words.js";

const TOY_COLOUR = "#ff00ff";

registerOverlay("counties", {
  layer: "counties",
  order: 15,
  isClickable: true,
  make: () => new AreaLayer(layers.counties.geo, () => TOY_COLOUR, null, { opacity: 1 }),
  legend: () => [["fill", { color: TOY_COLOUR }, t("toy.county")]],
});

registerFeature("counties", {
  id: "county_id",
  popup: (i) => [layers.counties.name[i], [["toy.area", number(layers.counties.area_km2[i], 1)]]],
});
""",
    "words.toml": """# Words of the theme: key = ["Chinese", "English"].

[theme]
toy = ["玩具", "Toy"]

[intro]
toy = ["县域一览。", "Every county."]

[caption]
toy = ["县", "Counties by id"]

[overlay]
counties = ["县界", "Counties"]

[toy]
county = ["县", "County"]
area = ["面积", "Area in km²"]
""",
}


def add_to_copy(copy: Path) -> None:
    """Copy the package to a folder, and add the theme: its folder, and its line."""
    import pipeline

    skip = shutil.ignore_patterns("__pycache__", "*.nb?", "sample")
    shutil.copytree(Path(pipeline.__file__).parent, copy / "pipeline", ignore=skip)
    themes = copy / "pipeline" / "render" / "themes"
    (themes / "toy").mkdir()
    for name, text in FOLDER.items():
        (themes / "toy" / name).write_text(text, encoding="utf-8")
    with (themes / "__init__.py").open("a", encoding="utf-8") as stream:
        stream.write(LINE)


def render_copy(copy: Path, target: Path) -> dict[str, list[str]]:
    """The page of the example metro by the copy, as ``example.html``; what the copy reports of its stage."""
    done = subprocess.run(
        [sys.executable, str(Path(__file__)), str(target)],
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(copy), str(UNIT)])},
        capture_output=True,
        text=True,
        check=True,
        encoding="utf-8",
    )
    reported: dict[str, list[str]] = json.loads(done.stdout)
    return reported


def main(target: str) -> None:
    import example_metro as example
    from shapely.geometry import box

    from pipeline.flow.stages import STAGES

    stage = next(each for each in STAGES if each.name == "metro_map")
    layers = example.layers()
    corners = [(113.1, 34.1), (113.6, 34.4)]
    layers["counties"] = example.geo(
        "counties",
        [
            {
                "county_id": f"41010{n}",
                "city_id": "410100",
                "name": f"<b>县{n}</b>",
                "area_km2": 100.25 + n,
                "geometry": box(x, y, x + 0.3, y + 0.25),
            }
            for n, (x, y) in enumerate(corners)
        ],
    )
    page = example.page(layers, example.REAL_FACTS)["example.html"]
    Path(target, "example.html").write_bytes(page)
    print(json.dumps({"inputs": stage.inputs}))


if __name__ == "__main__":
    main(sys.argv[1])
