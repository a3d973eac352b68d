"""Verbs in forks of one warm process, which end themselves at a chosen moment of their writing.

Importing takes as long as a verb on a tiny sample. The warm process imports once and forks for
every call; it is a process of its own, without threads, since a fork of a process with threads may
wait for a lock that nobody holds.

A moment is the n-th event by which Python changes a file system (opening to write, renaming,
removing, making a folder), or a share of the time that the verb takes: what libraries in C write is
no event. Ended is ended as by SIGKILL, without a word.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

CHANGES = ("os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.truncate", "os.link", "os.symlink")

WARM = """
import importlib, json, os, signal, sys, threading, time, traceback
from pathlib import Path
for name in {modules}:
    importlib.import_module(name)
from pipeline import cli

def watched(folder, kill_at, kill_after_s, record):
    changes, outside, caches = 0, set(), tuple(str(Path.home() / each) for each in (".cache", ".config"))
    inside = tuple(os.path.realpath(each) + os.sep for each in (folder,))

    def hook(event, given):
        nonlocal changes
        if event == "open":
            path, mode, flags = given
            is_change = isinstance(flags, int) and bool(flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT))
        else:
            path, is_change = given[0] if given else None, event in {changes}
        if not is_change or not isinstance(path, (str, bytes, os.PathLike)):
            return
        path = os.fsdecode(path)
        # Caches, of compiled code and of libraries, are nobody's data.
        if path.startswith("/dev/") or path.endswith((".nbi", ".nbc", ".pyc")) or "__pycache__" in path or path.startswith(caches):
            return
        changes += 1
        if not (os.path.realpath(path) + os.sep).startswith(inside):
            outside.add(path)
        if changes == kill_at:
            os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hook)
    if kill_after_s:
        def late():
            time.sleep(kill_after_s)
            os.kill(os.getpid(), signal.SIGKILL)
        threading.Thread(target=late, daemon=True).start()
    return lambda code: record.write_text(
        json.dumps(dict(code=code, changes=changes, outside=sorted(outside)))
    )

for line in sys.stdin:
    call = json.loads(line)
    began = time.monotonic()
    child = os.fork()
    if not child:
        os.setsid()
        os.chdir(call["folder"])
        os.environ["TMPDIR"] = call["folder"] + "/tmp"
        import tempfile
        # Left to look for it, Python tries the folder with a file that has nobody's name.
        tempfile.tempdir = os.environ["TMPDIR"]
        out = os.open(call["log"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(out, 1)
        os.dup2(out, 2)
        sys.stdout = open(1, "w", encoding="utf-8", closefd=False)
        sys.stderr = open(2, "w", encoding="utf-8", closefd=False)
        code = 70
        try:
            done = watched(call["folder"], call["kill_at"], call["kill_after_s"], Path(call["record"]))
            code = cli.main(call["arguments"])
            done(code)
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)
    _, status = os.waitpid(child, 0)
    print(json.dumps([os.waitstatus_to_exitcode(status), time.monotonic() - began]), flush=True)
"""

MODULES = (
    "pipeline.flow.stages",
    "pipeline.flow.runner",
    "pipeline.flow.index",
    "pipeline.sources.resolve",
    "pipeline.exports.export",
    "pipeline.scenario.run",
    "pipeline.compare.run",
)


@dataclass(frozen=True)
class Ended:
    """How a call ended: exit code (-9 killed), seconds, changes of the file system, those outside."""

    code: int
    seconds: float
    changes: int
    outside: tuple[str, ...]
    output: str


class Warm:
    """A process that has imported everything, and forks for each call."""

    def __init__(self, folder):
        self._folder = Path(folder)
        program = WARM.replace("{modules}", repr(MODULES)).replace("{changes}", repr(CHANGES))
        self._process = subprocess.Popen(
            [sys.executable, "-c", program],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=folder,
            env=os.environ | {"NUMBA_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"},
        )

    def call(self, folder, *arguments, kill_at=0, kill_after_s=0.0):
        """Run a verb in a folder, to its end or to the moment chosen."""
        log, record = self._folder / "log", self._folder / "record"
        record.unlink(missing_ok=True)
        call = {
            "folder": str(folder),
            "arguments": list(arguments),
            "kill_at": kill_at,
            "kill_after_s": kill_after_s,
            "log": str(log),
            "record": str(record),
        }
        self._process.stdin.write(json.dumps(call) + "\n")
        self._process.stdin.flush()
        code, seconds = json.loads(self._process.stdout.readline())
        found = json.loads(record.read_text()) if record.exists() else {}
        return Ended(
            code,
            seconds,
            found.get("changes", 0),
            tuple(found.get("outside", ())),
            log.read_text(encoding="utf-8", errors="replace"),
        )

    def close(self):
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()
