"""How well the cities of a metropolitan area are joined, from OpenStreetMap."""

import os

# Parallel work is Dask's. Threads of the linear algebra would add up sums in another order than
# one does, so that the last digit of a result would depend on how many cores the machine had; and
# they wait for one another where others work. Read when numpy is first imported.
for _name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")
del _name
