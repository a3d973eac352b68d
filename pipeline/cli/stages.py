"""Verb stages: the DAG."""

from __future__ import annotations

import argparse

from pipeline.cli.options import (
    Verbs,
    add_verb,
)
from pipeline.cli.outcome import OK
from pipeline.flow.progress import print_line


def add(verbs: Verbs) -> None:
    """Declare the verb and its options."""
    add_verb(verbs, "stages", _execute, "list the stages, what they take and what they make")


def _execute(options: argparse.Namespace) -> int:
    from pipeline.flow.stages import STAGES

    for stage in STAGES:
        split = ""
        if stage.split is not None:
            by = stage.split.column or f"{stage.split.layer} in batches"
            split = f"  [one task per {by}]" if stage.split.column else f"  [{by}]"
        print_line(f"{stage.name}{split}")
        print_line(f"    takes {', '.join(stage.inputs) or 'the source'}")
        print_line(f"    makes {', '.join(stage.outputs) or 'pages'}")
    return OK
