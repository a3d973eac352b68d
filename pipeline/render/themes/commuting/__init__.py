"""Zones by travel time, isochrones, times between centres, the border effect, rail."""

from importlib.resources import files

from pipeline.render.themes.commuting.packed import LAYERS, pack
from pipeline.render.themes.theme import Theme

COMMUTING = Theme("commuting", files(__name__), LAYERS, pack)
