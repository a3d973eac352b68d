"""What the user guide asks one to type works as it stands."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.cli import app

GUIDES = [
    Path(__file__).parents[2] / "docs" / name for name in ("user-guide.md", "user-guide.zh.md")
]


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", GUIDES[0].read_text(encoding="utf-8"), re.DOTALL)


def test_ten_lines_make_a_chart(sample_run, tmp_path):
    (code,) = blocks("python")
    assert len([line for line in code.splitlines() if line.strip()]) <= 10
    (tmp_path / "data").symlink_to(sample_run.data)
    done = subprocess.run(
        [sys.executable, "-W", "error::DeprecationWarning", "-c", code],
        cwd=tmp_path,
        env={"MPLBACKEND": "Agg", "MPLCONFIGDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "missing-links.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("guide", GUIDES, ids=lambda each: each.name)
def test_every_command_of_the_guide_is_one(guide):
    text = guide.read_text(encoding="utf-8").replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line.startswith(".venv/bin/python -m pipeline ")]
    assert len(lines) >= 8
    for line in lines:
        arguments = line.removeprefix(".venv/bin/python -m pipeline ").split()
        # Parsing alone: a verb or option that is gone would exit with 2.
        assert app.make_parser().parse_args(arguments).verb


def test_links_lead_somewhere():
    for guide in GUIDES:
        targets = re.findall(r"\]\(([^)#]+)[^)]*\)", guide.read_text(encoding="utf-8"))
        assert targets
        assert [each for each in targets if not (guide.parent / each).exists()] == []
