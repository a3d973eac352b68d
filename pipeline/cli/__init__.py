"""The command line: one module per verb, each to parse, call, print and give an exit code."""

from pipeline.cli.app import main

__all__ = ["main"]
