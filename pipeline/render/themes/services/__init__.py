"""Hospitals, schools, universities and research sites."""

from importlib.resources import files

from pipeline.render.themes.services.packed import LAYERS, pack
from pipeline.render.themes.theme import Theme

SERVICES = Theme("services", files(__name__), LAYERS, pack)
