"""Office machines run Windows: nothing in the package is of POSIX alone without its counterpart.

What a test cannot try here is whether Windows really runs it; docs/install.md says what was
tried. This reads the source: calls and modules that Windows lacks, fixed paths, and text files
opened in the machine's own encoding.
"""

from __future__ import annotations

import ast

import pytest
from house import modules

POSIX_MODULES = {"fcntl", "grp", "posix", "pty", "pwd", "resource", "syslog", "termios", "tty"}
POSIX_CALLS = {
    "os": {
        "chown",
        "fork",
        "forkpty",
        "getegid",
        "geteuid",
        "getgid",
        "getpgid",
        "getuid",
        "killpg",
        "mkfifo",
        "nice",
        "sched_getaffinity",
        "setsid",
        "statvfs",
        "sysconf",
        "uname",
        "wait",
    },
    "signal": {"SIGALRM", "SIGHUP", "SIGKILL", "SIGUSR1", "SIGUSR2", "alarm", "pause"},
    "asyncio": {"add_signal_handler"},
}
POSIX_PATHS = ("/tmp/", "/dev/", "/proc/", "/etc/", "/usr/")
TEXT_CALLS = {"read_text", "write_text"}


def faults_of(source: str) -> list[str]:
    """What in a source text would fail, or be read wrongly, on Windows."""
    found = []
    tree = ast.parse(source)
    spared = _with_counterpart(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            missing = POSIX_MODULES if node not in spared else set()
            found += [each.name for each in node.names if each.name in missing]
        elif isinstance(node, ast.ImportFrom) and node.module in POSIX_MODULES:
            found.append(node.module)
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            if node.attr in POSIX_CALLS.get(node.value.id, ()):
                found.append(f"{node.value.id}.{node.attr}")
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            found += [node.value for each in POSIX_PATHS if node.value.startswith(each)]
        elif isinstance(node, ast.Call):
            found += _without_encoding(node)
    return found


def _with_counterpart(tree: ast.Module) -> set[ast.AST]:
    """What stands in a ``try`` that goes on where a module is missing."""
    return {
        inner
        for node in ast.walk(tree)
        if isinstance(node, ast.Try)
        for handler in node.handlers
        if isinstance(handler.type, ast.Name)
        and handler.type.id in ("ImportError", "ModuleNotFoundError")
        for statement in node.body
        for inner in ast.walk(statement)
    }


def _without_encoding(call: ast.Call) -> list[str]:
    name = call.func.attr if isinstance(call.func, ast.Attribute) else ""
    keywords = {each.arg for each in call.keywords}
    if name == "read_text" and not call.args and "encoding" not in keywords:
        return ["read_text without encoding"]
    if name == "write_text" and len(call.args) == 1 and "encoding" not in keywords:
        return ["write_text without encoding"]
    is_open = name == "open" or (isinstance(call.func, ast.Name) and call.func.id == "open")
    modes = [each.value for each in call.args if isinstance(each, ast.Constant)]
    is_text_mode = any(isinstance(mode, str) and mode in ("r", "w", "a", "x") for mode in modes)
    return (
        ["open without encoding"] if is_open and is_text_mode and "encoding" not in keywords else []
    )


@pytest.mark.parametrize("module", sorted(modules()))
def test_module_runs_anywhere(module):
    assert faults_of(modules()[module]) == []


@pytest.mark.parametrize(
    "source",
    [
        "import fcntl",
        "from resource import getrusage",
        "import os\nos.killpg(1, 9)",
        "import signal\nsignal.SIGKILL",
        "path = '/tmp/x'",
        "from pathlib import Path\nPath('x').read_text()",
        "from pathlib import Path\nPath('x').write_text('x')",
        "open('x', 'w')",
    ],
)
def test_faults_are_seen(source):
    assert faults_of(source)


def test_a_module_with_a_counterpart_is_none():
    caught = "try:\n    import resource\nexcept {}:\n    resource = None"
    assert faults_of(caught.format("ImportError")) == []
    assert faults_of(caught.format("ValueError")) == ["resource"]
