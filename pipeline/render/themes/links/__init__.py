"""Dead ends, the missing links that would join them, and the control along shifted lines."""

from importlib.resources import files

from pipeline.render.themes.links.packed import LAYERS, pack
from pipeline.render.themes.theme import Theme

LINKS = Theme("links", files(__name__), LAYERS, pack)
