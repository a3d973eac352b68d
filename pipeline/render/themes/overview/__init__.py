"""The metro at a glance: figures, cities and borders, all of which the page has anyway."""

from importlib.resources import files

from pipeline.render.themes.theme import Theme

OVERVIEW = Theme("overview", files(__name__))
