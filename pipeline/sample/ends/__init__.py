"""Recipes for road ends near borders: missing links, open ends, and decoys.

What belongs here: one function per kind of end. Each looks for a site, builds the roads, and
writes the rows that state what it built. Distances keep clear of the rules' limits
(docs/dead-ends.md): a finding passes by a margin, a decoy fails by one.
"""
