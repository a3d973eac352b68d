"""The run of one metro: what a stage's function is given, the order of work, failures."""

from __future__ import annotations

from pipeline.flow import runner


def test_inputs_are_a_parameter_each_or_one_mapping():
    def separate(cities, borders): ...

    def gathered(layers, metro): ...

    layers = {"cities": 1, "borders": 2}
    assert runner.as_arguments(separate, layers) == layers
    assert runner.as_arguments(gathered, layers) == {"layers": layers}
