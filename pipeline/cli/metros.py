"""Verb metros: the catalogue."""

from __future__ import annotations

import argparse

from pipeline.cli.options import (
    Verbs,
    add_verb,
)
from pipeline.cli.outcome import OK
from pipeline.flow.progress import print_line
from pipeline.metros.catalogue import known_metros, load_metro


def add(verbs: Verbs) -> None:
    """Declare the verb and its options."""
    add_verb(verbs, "metros", _execute, "list the catalogue")


def _execute(options: argparse.Namespace) -> int:
    for metro_id in known_metros():
        metro = load_metro(metro_id)
        cities = ", ".join(city.name for city in metro.analysed_cities)
        scopes = " ".join(f"[{s}]" if s == metro.scope else s for s in metro.scopes)
        print_line(f"{metro.id:12} {metro.name}  scopes {scopes}\n{'':12} {cities}")
    return OK
