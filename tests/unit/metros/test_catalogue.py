"""Metro files: what is read, and how faults are told."""

from __future__ import annotations

import pytest

from pipeline.errors import ConfigError
from pipeline.metros.catalogue import Metro, known_metros, load_metro


def write(folder, text, name="metro.toml"):
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_shipped_metros_are_valid():
    assert known_metros() == ["guangfo", "hangzhou", "zhengzhou"]
    for name in known_metros():
        metro = load_metro(name)
        assert metro.core in {city.id for city in metro.analysed_cities}


@pytest.mark.parametrize(("scope", "count"), [("1+4", 5), ("1+8", 9)])
def test_scope_selects_cities(scope, count):
    metro = load_metro("zhengzhou", [f"scope={scope}"])
    assert len(metro.analysed_cities) == count
    assert [city.id for city in metro.analysed_cities] == list(metro.scopes[scope])


def test_census_totals_are_those_of_2020():
    people = {city.id: city.population for city in load_metro("zhengzhou").cities}
    assert people["410100"] == 12_600_574
    assert people["419001"] == 727_265


def test_three_faults_are_all_named(tmp_path):
    path = write(
        tmp_path,
        'id = "x"\nbogus = 1\nscope = "9"\n[params.dead_ends]\nsearch_radius_m = "far"\n',
    )
    with pytest.raises(ConfigError) as caught:
        load_metro(path)
    message = str(caught.value)
    assert "3 faults" in message
    for part in ("bogus: unknown key", "scope: '9'", "params.dead_ends.search_radius_m"):
        assert part in message
    assert "\n" not in message


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("id = '../evil'", "id:"),
        ("id = 'a b'", "id:"),
        ("[boundaries]\nsource = 'file'", "boundaries.path"),
        (
            "[[city]]\nid='a'\nname='A'\ncentre=[200, 3]\n[[city]]\nid='b'\nname='B'\n",
            "not [longitude",
        ),
        ("core='a'\n[[city]]\nid='a'\nname='A'\n", "at least two"),
        ("core='z'\n[[city]]\nid='a'\nname='A'\n[[city]]\nid='b'\nname='B'\n", "city 'z'"),
        ("core='a'\n[[city]]\nid='a'\nname='A'\n[[city]]\nid='a'\nname='B'\n", "declared 2 times"),
        (
            "core='a'\nscope='s'\n[scopes]\ns=['a','q']\n[[city]]\nid='a'\nname='A'\n[[city]]\nid='b'\nname='B'\n",
            "'q' has no",
        ),
        ("[params.network]\nspeed_kmh = {motorway = [1, 2]}", "lacks trunk"),
        ("[[area]]\nname='x'\nkind='industry'\n", "point or polygon"),
        ("city = 3", "city"),
        ("scopes = 3\nscope = 4", "scopes"),
    ],
)
def test_faults(tmp_path, text, part):
    with pytest.raises(ConfigError, match=r"metro\.toml") as caught:
        load_metro(write(tmp_path, text))
    assert part in str(caught.value)


def test_broken_toml_and_encoding(tmp_path):
    with pytest.raises(ConfigError, match="not valid TOML"):
        load_metro(write(tmp_path, "id = ["))
    path = tmp_path / "gbk.toml"
    path.write_bytes('name = "郑州"'.encode("gbk"))
    with pytest.raises(ConfigError, match="UTF-8"):
        load_metro(str(path))


def test_unknown_id_lists_the_known():
    with pytest.raises(ConfigError, match="known: guangfo, hangzhou, zhengzhou"):
        load_metro("atlantis")
    with pytest.raises(ConfigError, match="does not exist"):
        load_metro("nowhere/metro.toml")


def test_overrides_are_toml_values_or_text(tmp_path):
    path = write(tmp_path, "", "plain.toml")
    metro = load_metro(
        path, ["dead_ends.search_radius_m=2000", "dead_ends.lowest_class=residential"]
    )
    assert metro.id == "plain"
    assert metro.params.dead_ends.search_radius_m == 2000
    assert metro.params.dead_ends.lowest_class == "residential"
    with pytest.raises(ConfigError, match=r"expected section\.key=value"):
        load_metro(path, ["nonsense"])
    with pytest.raises(ConfigError, match="unknown key"):
        load_metro(path, ["dead_ends.nonsense=1"])


def test_a_metro_without_cities_discovers_them(tmp_path):
    metro = load_metro(write(tmp_path, "[boundaries]\nadmin_level = 7\n", "andorra.toml"))
    assert metro.is_discovered
    assert metro.boundaries.admin_level == 7


@pytest.mark.parametrize("metro_id", ["index", "assets", "Index"])
def test_names_of_shared_pages_are_no_metro_ids(metro_id):
    with pytest.raises(ValueError, match="shared page or folder"):
        Metro.model_validate({"id": metro_id, "name": "x"})
