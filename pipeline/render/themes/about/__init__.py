"""Where the data come from, and how the page is to be read."""

from importlib.resources import files

from pipeline.render.themes.theme import Theme

ABOUT = Theme("about", files(__name__))
