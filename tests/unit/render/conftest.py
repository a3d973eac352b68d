"""The made-up metro of `example_metro`, for every test of the pages."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest


def load_example() -> ModuleType:
    path = Path(__file__).with_name("example_metro.py")
    spec = importlib.util.spec_from_file_location("example_metro", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["example_metro"] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def example() -> ModuleType:
    return load_example()
