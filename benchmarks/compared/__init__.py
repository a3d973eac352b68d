"""This pipeline beside its peers: the parts of `benchmarks/peers.py`.

`inputs` makes what all engines are given, `engines` says what each one is asked to do,
`notebook` is the script that a GIS notebook would be, `trials` runs an engine in a process of
its own, `record` keeps what was measured, `page` and `chart` show it.
"""
