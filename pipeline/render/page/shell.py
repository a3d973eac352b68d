"""The folium page: its frame, its map, its online basemaps, everything inlined.

How folium is made to build a page with no external file belongs here; what the
page shows to `base_map` and `themes`, how it behaves to the scripts in
`js/`.

Leaflet comes from the installed XStatic-Leaflet package. Scripts and styles
stand inside the page, so that one file can be sent on and still opens.
"""

from __future__ import annotations

import base64
import html
import re
from collections.abc import Mapping
from functools import cache
from importlib import resources

import folium
from branca.element import Figure, MacroElement
from folium.template import Template

from pipeline.render.page import style, words
from pipeline.render.page.encode import to_blob
from pipeline.render.page.policy import policy
from pipeline.render.page.scripts import page_script


class PageFigure(Figure):
    """A figure whose document states its language, and whose scripts stand in the body."""

    _template = Template(
        "<!DOCTYPE html>\n"
        '<html lang="{{ this.language | e }}">\n<head>\n<meta charset="utf-8">\n'
        "{% set script = this.script.render(**kwargs) %}"
        "{{ this.policy(script) }}\n<title>{{ this.title | e }}</title>\n"
        "{{ this.header.render(**kwargs) }}\n</head>\n"
        '<body class="mi-page">\n{{ this.html.render(**kwargs) }}\n'
        "<script>{{ script }}</script>\n</body>\n</html>\n"
    )

    def __init__(self, title: str, language: str, basemaps: list[str]) -> None:
        super().__init__(title=title)
        self.language = language
        self.basemaps = basemaps
        self.header._children.clear()

    def policy(self, script: str) -> str:
        """What the page may run and load: the two scripts, and tiles of the basemaps on offer."""
        hosts = [style.tile_host(key) for key in self.basemaps]
        return str(policy([leaflet_js(), script], hosts))


class PageMap(folium.Map):
    """A folium map without external files, whose element is ours to lay out."""

    default_js: list[tuple[str, str]] = []  # noqa: RUF012 (folium declares it so)
    default_css: list[tuple[str, str]] = []  # noqa: RUF012

    _template = Template(
        """
        {% macro header(this, kwargs) %}
        <meta name="viewport" content="width=device-width, initial-scale=1">
        {% endmacro %}
        {% macro html(this, kwargs) %}{% endmacro %}
        {% macro script(this, kwargs) %}
        var {{ this.get_name() }} = L.map({{ this.get_name()|tojson }}, {
            center: {{ this.location|tojson }},
            crs: L.CRS.{{ this.crs }},
            ...{{ this.options|tojavascript }}
        });
        {% endmacro %}
        """
    )


class PageBody(MacroElement):
    """The page's markup around the map, its styles, its scripts and its data."""

    _template = Template(
        """
        {% macro header(this, kwargs) %}
        <style>{{ this.leaflet_css }}</style>
        <style>{{ this.page_css }}</style>
        <script>{{ this.leaflet_js }}</script>
        {% endmacro %}
        {% macro html(this, kwargs) %}
        {{ this.markup }}
        <script type="text/plain" id="mi-blob">{{ this.blob }}</script>
        {% endmacro %}
        {% macro script(this, kwargs) %}
        {{ this.scripts }}
        MI.start({{ this._parent.get_name() }}, {{ this.basemaps }});
        {% endmacro %}
        """
    )

    def __init__(self, markup: str, blob: str, basemaps: str) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # branca has no types
        self._name = "PageBody"
        self._id = "metro"
        self.markup, self.blob, self.basemaps = inert(markup), blob, basemaps
        self.leaflet_js, self.leaflet_css = inert(leaflet_js()), inert(leaflet_css())
        self.page_css = inert(words.template("page/page.css"))
        self.scripts = inert(page_script())


def render_page(
    title: str,
    language: str,
    payload: Mapping[str, object],
    bounds: list[float],
    basemaps: list[str],
    *,
    is_synthetic: bool,
) -> bytes:
    """Build one metro page with folium.

    Parameters
    ----------
    title
        Of the document; plain text.
    language
        ``zh`` or ``en``: the one the page opens in.
    payload
        Everything the scripts need, of JSON types.
    bounds
        West, south, east, north of the metro in WGS84 degrees.
    basemaps
        Keys of `style.BASEMAPS` on offer.
    is_synthetic
        Whether the page bears the banner of synthetic roads.
    """
    west, south, east, north = bounds
    page_map = PageMap(
        location=[(south + north) / 2, (west + east) / 2],
        zoom_start=8,
        tiles=None,
        control_scale=False,
        prefer_canvas=True,
        zoom_control=True,
        attribution_control=False,
        zoom_snap=0.25,
        world_copy_jump=False,
        fade_animation=False,
    )
    page_map._id = "metro"
    figure = PageFigure(title, "zh-CN" if language == "zh" else "en", basemaps)
    figure.add_child(page_map)
    tiles = {key: _tile_layer(key, page_map) for key in basemaps}
    names = "{" + ",".join(f'"{key}":{layer.get_name()}' for key, layer in tiles.items()) + "}"
    markup = _markup(title, page_map.get_name(), language, is_synthetic)
    page_map.add_child(PageBody(markup, to_blob(payload), names))
    return str(figure.render()).encode()


def inert(text: str) -> str:
    """A text that folium leaves as it is.

    What an element renders is rendered as a template once more: its braces, and
    those of a metro's name, would be run.
    """
    return re.sub(r"\{(?=[{%#])", "{{ '{' }}", text)


def _tile_layer(key: str, page_map: folium.Map) -> folium.TileLayer:
    """An online basemap that is declared but not shown."""
    spec = style.basemap(key)
    layer = folium.TileLayer(
        tiles=spec["url"],
        attr=spec["attr"],
        name=key,
        show=False,
        control=False,
        max_zoom=19,
        max_native_zoom=18,
        subdomains=spec["subdomains"] or "a",
        tk="",
    )
    layer._id = key
    page_map.add_child(layer)
    return layer


def _markup(title: str, map_id: str, language: str, is_synthetic: bool) -> str:
    """The body's markup with the texts of the language it opens in.

    The synthetic banner is markup, not a script's work: it stands even where no script runs.
    """
    texts = words.messages()[language]

    def fill(match: re.Match[str]) -> str:
        return html.escape(texts[match.group(1)])

    banner = ">%t:ui.synthetic%" if is_synthetic else " hidden>"
    markup = words.template("page/page.html").replace("%BANNER%>", banner)
    markup = re.sub(r"%t:([\w.]+)%", fill, markup)
    return markup.replace("%MAP_ID%", map_id).replace("%TITLE%", html.escape(title))


@cache
def leaflet_js() -> str:
    """Leaflet's script, without the hint at a source map that is not there."""
    text = _leaflet("leaflet.js").decode().replace("\r\n", "\n")
    return re.sub(r"//# sourceMappingURL=\S+\s*$", "", text)


@cache
def leaflet_css() -> str:
    """Leaflet's style with its images inlined, so that it asks for no file."""

    def inline(match: re.Match[str]) -> str:
        image = base64.b64encode(_leaflet(match.group(1))).decode("ascii")
        return f"url(data:image/png;base64,{image})"

    return re.sub(r"url\((images/[\w.-]+)\)", inline, _leaflet("leaflet.css").decode())


def _leaflet(name: str) -> bytes:
    folder = resources.files("xstatic.pkg.leaflet") / "data"
    return folder.joinpath(*name.split("/")).read_bytes()
