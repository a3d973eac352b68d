"""A real second user: what is another's cannot be written, which is one clear line; nothing else fails."""

from __future__ import annotations

from pathlib import Path

import pytest
from other_user import as_nobody
from running import one_line


@pytest.fixture
def shared(tmp_path):
    """A folder that others may enter and read, as are those above it."""
    for each in (tmp_path, *tmp_path.parents):
        if (
            each.stat().st_mode & 0o005 != 0o005
            and each.owner() == "root"
            and "pytest" in str(each)
        ):
            each.chmod(0o755)
    return tmp_path


def of_nobody(folder, *command, **environment):
    done = as_nobody(folder, *command, **environment)
    if done is None:
        pytest.skip("this test cannot become another user here")
    return done


def test_a_user_who_can_keep_nothing_compiled_runs_all_the_same(shared):
    """numba refused to load: there was nowhere to keep what it compiles."""
    code = (
        "import os; assert os.getuid()\n"
        "from pipeline.compiled import compiled\n"
        "from pipeline.measures.geometry import grid\n"
        "assert compiled(lambda x: x + 1)(1) == 2"
    )
    done = of_nobody(shared, "-c", code)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.slow
@pytest.mark.parametrize(
    "arguments",
    [
        ("run", "zhengzhou", "--source", "sample"),
        ("sample", "--nodes", "5000"),
        ("export", "zhengzhou", "--format", "csv"),
        ("scenario", "zhengzhou", "--build", "all"),
    ],
    ids=lambda each: each[0],
)
def test_folders_of_another_user_are_one_clear_line(shared, arguments):
    folder = shared / "data" / "processed" / "zhengzhou"
    folder.mkdir(parents=True)
    (shared / "maps").mkdir()
    (folder / "manifest.json").write_text("{}")
    (folder / "manifest.json").chmod(0o600)
    done = of_nobody(shared, "-m", "pipeline", *arguments)
    assert done.returncode == 1, done.stderr
    line = one_line(done.stderr)
    assert "ermission denied" in line
    assert "internal" not in line
    assert [each.name for each in Path(folder).iterdir()] == ["manifest.json"]
