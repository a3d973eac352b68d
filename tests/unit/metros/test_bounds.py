"""Every number that a metro file or `--set` may hold has bounds; what lies beyond is one line."""

from __future__ import annotations

import pytest

from pipeline import cli
from pipeline.errors import ConfigError
from pipeline.metros.catalogue import Metro, load_metro
from pipeline.metros.config import Params

CHECKED_ELSEWHERE = {"overpass.bbox", "city.centre", "area.point"}
"""Degrees, whose validators look at both numbers at once."""


def numbers(schema, root, path=()):
    """Every number of a schema: its path, and whether it has a least and a greatest value."""
    if "$ref" in schema:
        schema = root["$defs"][schema["$ref"].rpartition("/")[2]]
    for key in ("anyOf", "allOf", "prefixItems"):
        for each in schema.get(key, []):
            yield from numbers(each, root, path)
    if schema.get("type") in ("number", "integer"):
        yield (
            ".".join(path),
            "minimum" in schema or "exclusiveMinimum" in schema,
            "maximum" in schema or "exclusiveMaximum" in schema,
        )
    for name, each in schema.get("properties", {}).items():
        yield from numbers(each, root, (*path, name))
    for key in ("items", "additionalProperties"):
        if isinstance(schema.get(key), dict):
            yield from numbers(schema[key], root, path)


FOUND = list(numbers(Metro.model_json_schema(), Metro.model_json_schema()))
KEYS = sorted({path for path, *_ in FOUND if path.startswith("params.")})


def test_every_number_has_bounds():
    assert len(KEYS) > 100
    unbounded = {path for path, has_least, has_most in FOUND if not (has_least and has_most)}
    assert unbounded - CHECKED_ELSEWHERE == set()


@pytest.mark.parametrize("value", ["nan", "inf", "-inf", "1e300", "-1e300", "9" * 400])
def test_absurd_numbers_are_refused_by_every_parameter(value):
    for key in KEYS:
        name = key.removeprefix("params.")
        section, field = name.split(".")
        found = getattr(getattr(Params(), section), field)
        given = f"[{value}]" if isinstance(found, tuple) else value
        if isinstance(found, dict):
            given = f"{{{next(iter(found))} = {value}}}"
        with pytest.raises(ConfigError, match=name):
            load_metro("zhengzhou", [f"{name}={given}"])


BASE = 'core = "1"\n[[city]]\nid = "1"\nname = "a"\n[[city]]\nid = "2"\nname = "b"\n'
FILES = {
    "nested": "x = " + "[" * 50_000,
    "nested tables": "[" + "a." * 30_000 + "a]\nx = 1",
    "key in many tables": "a." * 1_000_000 + "a = 1",
    "keys in quotes in many tables": '"a" . ' * 500_000 + "a = 1",
    "inline keys in many tables": "x = {" + "a." * 1_000_000 + "a = 1}",
    "nested and closed": "x = " + "[" * 900 + "]" * 900,
    "a number of many digits": f"x = {'9' * 10_000}",
    "a long text": f'name = "{"a" * 100_000}"\n{BASE}',
    "many unknown keys": "\n".join(f"key{n} = 1" for n in range(5_000)),
    "params as a number": f"params = 3\n{BASE}",
    "scope as a list": f"scope = [1]\n{BASE}",
    "scope as a table": f"scope = {{a = 1}}\n{BASE}",
    "core as a list": BASE.replace('"1"', "[1]", 1),
    "scopes as a list": f"scopes = [1]\n{BASE}",
    "members as tables": f"[scopes]\na = [{{b = 1}}]\n{BASE}".replace('core = "1"', ""),
    "city as a number": "city = 3",
    "cities as numbers": "city = [1, 2]",
    "id as a list": BASE.replace('id = "1"', "id = [1]"),
    "population of people on all stars": BASE.replace(
        'name = "a"', 'name = "a"\npopulation = 1' + "0" * 30
    ),
    "centre nowhere": BASE.replace('name = "a"', 'name = "a"\ncentre = [nan, inf]'),
    "escape in a key": f'"\\u001b[2J" = 1\n{BASE}',
}


@pytest.mark.parametrize("content", FILES.values(), ids=FILES)
def test_absurd_files_are_one_line_of_wrong_usage(tmp_path, capsys, content):
    path = tmp_path / "x.toml"
    path.write_text(content, encoding="utf-8")
    code = cli.main(["run", str(path), "--set", "zones.max_snap_m=3000", "--set", "scope=a"])
    error = capsys.readouterr().err
    assert code == 2, error
    assert error.startswith("error: ")
    assert error.count("\n") == 1
    assert "\x1b" not in error
    assert len(error) < 6_000


def test_a_huge_file_is_not_read(tmp_path, capsys):
    with (tmp_path / "x.toml").open("wb") as file:
        file.truncate(1 << 33)
    assert cli.main(["run", str(tmp_path / "x.toml")]) == 2
    assert "larger than 4 MB" in capsys.readouterr().err


@pytest.mark.parametrize(
    "value", ["[" * 20_000, "{" + "a." * 60_000 + "a=1}", "9" * 10_000, "1\nother = 2", "=", ""]
)
def test_absurd_settings_are_one_line_of_wrong_usage(capsys, value):
    assert cli.main(["run", "zhengzhou", "--set", f"zones.max_snap_m={value}"]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert len(error) < 2_000
