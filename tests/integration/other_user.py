"""A second real user of the machine, who may write in no folder of ours and has no home.

Root alone can become another. Where Python itself stands in root's own home, which is shut to
others, it is put there again in a namespace of mounts.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pipeline

NOBODY = "65534"

BECOME = f"""
set -e
home=$1; python=$2; keep=$3; shift 3
if [ "${{python#"$home"/}}" != "$python" ]; then
  mount --rbind "$python" "$keep"
  mount -t tmpfs -o mode=755 tmpfs "$home"
  mkdir -p "$python"
  mount --rbind "$keep" "$python"
fi
exec setpriv --reuid={NOBODY} --regid={NOBODY} --clear-groups "$@"
"""


def as_nobody(folder, *command, **environment):
    """A finished command of a user without a home, run in a folder; None where none can be one."""
    if (
        os.name != "posix"
        or os.getuid() != 0
        or not (shutil.which("setpriv") and shutil.which("unshare"))
    ):
        return None
    keep = Path(folder) / "python"
    keep.mkdir(exist_ok=True)
    become = [
        "unshare",
        "--mount",
        "sh",
        "-c",
        BECOME,
        "sh",
        str(Path.home()),
        sys.base_prefix,
        str(keep),
    ]
    found = subprocess.run([*become, "true"], capture_output=True, check=False)
    if found.returncode:
        return None
    package = str(Path(pipeline.__file__).parents[1])
    return subprocess.run(
        [*become, sys.executable, *command],
        cwd=folder,
        env=os.environ | {"HOME": "/nonexistent", "PYTHONPATH": package} | environment,
        capture_output=True,
        text=True,
        check=False,
    )
