"""Land in the belts, where two sides contradict each other, rivers and corridors shared."""

from importlib.resources import files

from pipeline.render.themes.ecology.packed import LAYERS, pack
from pipeline.render.themes.theme import Theme

ECOLOGY = Theme("ecology", files(__name__), LAYERS, pack)
