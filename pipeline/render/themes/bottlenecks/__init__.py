"""Where roads narrow at a border, and every road that crosses one."""

from importlib.resources import files

from pipeline.render.themes.bottlenecks.packed import LAYERS, pack
from pipeline.render.themes.theme import Theme

BOTTLENECKS = Theme("bottlenecks", files(__name__), LAYERS, pack)
