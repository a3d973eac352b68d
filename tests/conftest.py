"""Settings that hold for every test, made before anything is imported."""

from __future__ import annotations

import os

# Threads of the linear algebra wait for one another where other work shares the cores: small
# matrices then take a hundred times as long. Dask's workers run with one thread each, too.
for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
    os.environ.setdefault(name, "1")
