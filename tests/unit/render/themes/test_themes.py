"""Themes as folders: what each packs and names, and that a further one is a folder and a line."""

from __future__ import annotations

import filecmp
import importlib.util
import re
import sys
from pathlib import Path
from types import ModuleType

import pytest

import pipeline.render
from pipeline.layers import LAYERS
from pipeline.render import themes
from pipeline.render.page.encode import PackedLayer, from_blob
from pipeline.render.page.thinning import Thinning
from pipeline.render.themes.registry import all_themes
from pipeline.render.themes.theme import Theme

FOLDER = Path(pipeline.render.__file__).parent / "themes"


def payload_of(content: bytes) -> dict:
    found = re.search(rb'id="mi-blob">([^<]*)<', content)
    assert found is not None
    return from_blob(found.group(1).decode())


def test_every_folder_is_registered_under_its_name() -> None:
    folders = {path.name for path in FOLDER.iterdir() if path.is_dir() and path.name[0] != "_"}
    assert {theme.key for theme in all_themes()} == folders
    for theme in all_themes():
        assert Path(str(theme.folder)) == FOLDER / theme.key


@pytest.mark.parametrize("theme", all_themes(), ids=lambda theme: theme.key)
def test_a_theme_takes_the_layers_that_it_names(theme: Theme, example: ModuleType) -> None:
    assert set(theme.layers) <= set(LAYERS)
    watched = example.Watched(example.layers())
    theme.pack(watched, example.metro().params.map, Thinning())
    assert watched.taken == set(theme.layers)


@pytest.mark.parametrize("theme", all_themes(), ids=lambda theme: theme.key)
def test_a_theme_registers_its_tab(theme: Theme) -> None:
    scripts = [path.read_text("utf-8") for path in Path(str(theme.folder)).glob("*.js")]
    assert sum(f'registerTheme("{theme.key}"' in text for text in scripts) == 1


def test_two_themes_cannot_pack_one_name(
    example: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def pack_zones(*_: object) -> dict[str, PackedLayer]:
        return {"zones": {"n": 0, "cols": {}}}

    monkeypatch.setattr(themes, "TOY", Theme("toy", tmp_path, (), pack_zones), raising=False)
    with pytest.raises(ValueError, match="theme toy packs zones, which the page has already"):
        example.page(example.layers())


# --- a further theme ----------------------------------------------------------------


@pytest.fixture(scope="module")
def toy() -> ModuleType:
    path = Path(__file__).with_name("toy_theme.py")
    spec = importlib.util.spec_from_file_location("toy_theme", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["toy_theme"] = module
    spec.loader.exec_module(module)
    return module


def test_a_new_theme_is_a_folder_and_a_line(toy: ModuleType, tmp_path: Path) -> None:
    toy.add_to_copy(tmp_path)
    packages = filecmp.dircmp(FOLDER, tmp_path / "pipeline" / "render" / "themes")
    assert packages.right_only == ["toy"]
    assert packages.diff_files == ["__init__.py"]
    before = (FOLDER / "__init__.py").read_text("utf-8")
    after = (tmp_path / "pipeline" / "render" / "themes" / "__init__.py").read_text("utf-8")
    assert after == before + toy.LINE

    reported = toy.render_copy(tmp_path, tmp_path)
    content = (tmp_path / "example.html").read_bytes()
    payload = payload_of(content)
    # The stage takes the theme's layer without being asked to.
    assert "counties" in reported["inputs"]
    assert len(reported["inputs"]) == len(set(reported["inputs"]))
    assert payload["layers"]["counties"]["n"] == 2
    assert payload["layers"]["counties"]["cols"]["area_km2"] == [100.2, 101.2]
    assert payload["messages"]["zh"]["theme.toy"] == "玩具"
    assert payload["messages"]["en"]["overlay.counties"] == "Counties"
    for registered in ('registerTheme("toy"', 'registerOverlay("counties"'):
        assert registered in content.decode()
    assert "县0" not in content.decode(), "names stand in the packed data alone"
    plain = payload_of(example_page())
    assert set(payload["layers"]) - set(plain["layers"]) == {"counties"}


def example_page() -> bytes:
    import example_metro

    return example_metro.page(example_metro.layers())["example.html"]
