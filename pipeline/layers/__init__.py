"""What crosses between stages: every layer's declaration, and frames held to it."""

from pipeline.layers.conform import conform, empty_layer
from pipeline.layers.declaration import Column, Layer
from pipeline.layers.registry import LAYERS, RESULT_LAYERS

__all__ = ["LAYERS", "RESULT_LAYERS", "Column", "Layer", "conform", "empty_layer"]
