"""The verbs as a whole: declared, parsed, and ending in an exit code or one clear line."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys

import pytest

from pipeline.cli import app, main
from pipeline.cli.options import count, load_metros, shown
from pipeline.cli.outcome import FAILED, OK, WRONG_USAGE, report_error
from pipeline.errors import ConfigError, SourceError


def test_every_module_declares_a_verb_of_its_name():
    parser = app.make_parser()
    (verbs,) = [each for each in parser._actions if isinstance(each, argparse._SubParsersAction)]
    names = [module.__name__.rsplit(".", 1)[-1].replace("_", "-") for module in app.VERBS]
    assert list(verbs.choices) == names


def test_no_verb_is_wrong_usage(capsys):
    with pytest.raises(SystemExit) as ended:
        main([])
    assert ended.value.code == WRONG_USAGE
    assert "VERB" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["-1", "1.5", "three", ""])
def test_counts_are_whole_numbers(text):
    with pytest.raises(argparse.ArgumentTypeError):
        count(text)


def test_metros_are_taken_once_and_all_means_the_catalogue():
    twice = load_metros(["guangfo", "all", "guangfo"], [])
    assert [metro.id for metro in twice] == ["guangfo", "hangzhou", "zhengzhou"]


def test_every_fault_of_several_metros_is_reported(tmp_path):
    for name in ("one", "two"):
        (tmp_path / f"{name}.toml").write_text('scopee = "x"\n', encoding="utf-8")
    with pytest.raises(ConfigError) as raised:
        load_metros([str(tmp_path / "one.toml"), str(tmp_path / "two.toml")], [])
    assert "one.toml" in str(raised.value) and "two.toml" in str(raised.value)


def test_two_files_of_one_id_are_refused(tmp_path):
    for name in ("one", "two"):
        text = 'id = "same"\nname = "Same"\n[boundaries]\nadmin_level = 7\n'
        (tmp_path / f"{name}.toml").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match="same"):
        load_metros([str(tmp_path / "one.toml"), str(tmp_path / "two.toml")], [])


def test_an_error_of_ours_is_one_line(capsys):
    report_error(SourceError("x.pbf\nis truncated"), is_debug=False, where="andorra")
    told = capsys.readouterr().err
    assert told == "error: andorra: x.pbf is truncated\n"


def test_an_error_of_another_kind_names_its_type_and_the_way_to_more(capsys):
    report_error(KeyError("way"), is_debug=False)
    told = capsys.readouterr().err
    assert told.startswith("error: KeyError") and "--debug" in told and "Traceback" not in told
    report_error(KeyError("way"), is_debug=True)
    assert "KeyError" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("error", "code"),
    [(ConfigError("wrong"), WRONG_USAGE), (SourceError("gone"), FAILED), (KeyError("x"), FAILED)],
)
def test_errors_become_exit_codes(monkeypatch, error, code):
    def fails(_):
        raise error

    monkeypatch.setattr("pipeline.cli.metros.known_metros", lambda: fails(None))
    assert main(["metros"]) == code


def test_metros_lists_the_catalogue(capsys):
    assert main(["metros"]) == OK
    assert "zhengzhou" in capsys.readouterr().out


def test_paths_are_shown_from_the_working_directory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert shown(str(tmp_path / "maps" / "index.html")) == str(
        (tmp_path / "maps" / "index.html").relative_to(tmp_path)
    )
    assert shown("s3://bucket/maps/index.html") == "s3://bucket/maps/index.html"


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        (["run", "--until", "nowhere"], "nowhere"),
        (["run", "--force", "placebo", "--until", "borders"], "placebo"),
        (["run", "--source", "nothing"], "nothing"),
        (["new-metro", "x.txt", "--cities", "Vaduz"], "x.txt"),
        (["sample", "--out", "x.pdf"], "x.pdf"),
    ],
)
def test_wrong_usage_names_what_is_wrong(arguments, names, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == WRONG_USAGE
    told = capsys.readouterr().err
    assert names in told and told.count("\n") == 1


@pytest.mark.parametrize("encoding", ["cp1252", "ascii", "gbk", "utf-8"])
def test_any_console_takes_chinese_names(encoding):
    done = subprocess.run(
        [sys.executable, "-m", "pipeline", "metros"],
        capture_output=True,
        env=os.environ | {"PYTHONIOENCODING": encoding},
        check=False,
    )
    assert done.returncode == OK, done.stderr
    assert b"zhengzhou" in done.stdout


def test_the_command_line_starts_without_the_libraries_that_measures_need():
    heavy = {"pandas", "geopandas", "shapely", "numba", "scipy", "dask", "rasterio"}
    listing = f"import sys, pipeline.cli.app; print(*sorted({heavy!r} & set(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", listing], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == []
