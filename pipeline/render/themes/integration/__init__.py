"""The integration index and the indicators behind it."""

from importlib.resources import files

from pipeline.render.themes.integration.packed import LAYERS, pack
from pipeline.render.themes.theme import Theme

INTEGRATION = Theme("integration", files(__name__), LAYERS, pack)
