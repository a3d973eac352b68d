"""The themes of the metro page: a folder and a line each.

A theme's folder holds all that is its own: the layers it needs and which of their columns
are packed (Python), its tab, panel, overlays, cards and choices (the scripts, which
register them), and its words in both languages (``words.toml``). `registry` gathers what
is imported here.
"""

from pipeline.render.themes.about import ABOUT as ABOUT
from pipeline.render.themes.bottlenecks import BOTTLENECKS as BOTTLENECKS
from pipeline.render.themes.commuting import COMMUTING as COMMUTING
from pipeline.render.themes.ecology import ECOLOGY as ECOLOGY
from pipeline.render.themes.integration import INTEGRATION as INTEGRATION
from pipeline.render.themes.links import LINKS as LINKS
from pipeline.render.themes.overview import OVERVIEW as OVERVIEW
from pipeline.render.themes.services import SERVICES as SERVICES
