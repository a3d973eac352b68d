"""How the command ends: asked to, with nobody reading, with names that would steer a terminal."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys

import pytest

from pipeline import cli
from pipeline.flow.progress import as_shown, print_error, print_line

# A job in the background of a shell, or one under nohup, is started with these ignored: it listens
# to them again.
WORKING = """
import signal, sys, time
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)
from pipeline import cli
from pipeline.cli import app, stages
from pipeline.storage.scratch import scratch_folder

def work(options):
    with scratch_folder("osm") as folder:
        (folder / "0.opl").write_text("n1")
        print(folder, flush=True)
        time.sleep(600)

app.make_parser = lambda found=app.make_parser: patched(found())

def patched(parser):
    given = parser.parse_args
    def parse(arguments=None):
        options = given(arguments)
        options.verb = work
        return options
    parser.parse_args = parse
    return parser

sys.exit(cli.main(["stages"]))
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_asked_to_end_it_ends_in_one_way(tmp_path, number):
    work = subprocess.Popen(
        [sys.executable, "-c", WORKING],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"TMPDIR": str(tmp_path)},
    )
    assert work.stdout.readline().strip()
    work.send_signal(number)
    _, error = work.communicate(timeout=60)
    assert work.returncode == 1
    assert error == "error: interrupted; what is finished is kept, run again to go on\n"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("arguments", [["stages"], ["--help"], ["metros"]])
def test_nobody_reads_the_output(arguments):
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(
        [sys.executable, "-m", "pipeline", *arguments],
        stdout=write,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    os.close(write)
    assert (done.returncode, done.stderr) == (0, "")


def test_work_goes_on_where_nobody_reads_any_more(monkeypatch):
    class Gone:
        def write(self, text):
            raise BrokenPipeError

        def flush(self):
            pass

    monkeypatch.setattr(sys, "stdout", Gone())
    print_line("one")
    print_line("two")
    monkeypatch.setattr(sys, "stderr", Gone())
    print_error("three")


def test_text_of_others_does_not_steer_the_terminal(capsys):
    bad = "a\x1b[31mb\x07\x9b2Jc\u202ed\r\te\x00"
    for write in (print_line, print_error):
        write(bad)
        out = "".join(capsys.readouterr())
        assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", out), repr(out)
    assert as_shown("郑州 — Zürich\nб") == "郑州 — Zürich\nб"
    with pytest.raises(SystemExit) as ended:
        cli.main(["stages", "x\x1b[2J"])
    assert ended.value.code == 2
    assert "\x1b" not in capsys.readouterr().err


def test_secrets_do_not_reach_the_terminal(capsys):
    print_line("fetching https://me:pw123@host/a?token=pw123&year=2020")
    print_error("cannot get https://host/a?X-Amz-Signature=pw123#access_token=pw123")
    told = "".join(capsys.readouterr())
    assert "pw123" not in told
    assert "year=2020" in told


def test_few_open_files_are_enough_to_begin():
    limited = f"ulimit -n 64; exec {sys.executable} -m pipeline stages"
    done = subprocess.run(["sh", "-c", limited], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


LOGGING = """
import logging, sys, warnings
from pipeline import cli
cli.main(["stages"])
bad = "\\x1b[2Jcity\\nerror: all is lost \\u202e https://me:pw123@host/a?token=pw123"
logging.getLogger("pipeline.sources.gtfs").warning("gtfs %s: drops 1", bad)
logging.getLogger("urllib3.connectionpool").warning("Failed to parse headers (url=%s)", bad)
warnings.warn(bad, stacklevel=1)
try:
    raise ValueError(bad)
except ValueError:
    logging.getLogger("any").exception("failed")
from pipeline.cli.outcome import report_error
report_error(ValueError(bad), is_debug=True)
"""


def test_logs_warnings_and_tracebacks_neither_steer_nor_tell_secrets():
    """What is logged went to standard error as it came."""
    done = subprocess.run(
        [sys.executable, "-c", LOGGING], capture_output=True, text=True, check=True
    )
    assert done.stderr.count("city") > 4
    assert "pw123" not in done.stderr
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", done.stderr)
    assert "\nerror: all is lost" not in "\n".join(done.stderr.splitlines()[:2])
    assert done.stderr.splitlines()[0].startswith("gtfs \\x1b[2Jcity\\nerror: all is lost")
