"""What a page may load and run: its Content-Security-Policy.

The policy as a page's ``meta`` element belongs here; which scripts a page has does not. A
page runs the scripts that stand in it, known by their digests, and no other; it draws
pictures that stand in it, and tiles of the online basemaps that it offers, once one is
chosen. It asks nobody for anything else. Styles may stand anywhere in it.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable

from markupsafe import Markup


def policy(scripts: Iterable[str], image_hosts: Iterable[str] = ()) -> Markup:
    """The ``meta`` element, which must stand before all scripts and styles.

    Parameters
    ----------
    scripts
        Text of every script of the page that may run, as it stands between its tags, with
        line feeds alone as a browser reads it.
    image_hosts
        Origins that pictures may come from, for example ``https://tile.openstreetmap.org``;
        ``*.`` stands for any name before a domain.
    """
    digests = " ".join(f"'sha256-{_digest(each)}'" for each in scripts)
    rules = {
        "default-src": "'none'",
        "script-src": digests or "'none'",
        "style-src": "'unsafe-inline'",
        "img-src": " ".join(["data:", "blob:", *image_hosts]),
        "base-uri": "'none'",
        "form-action": "'none'",
    }
    content = "; ".join(f"{name} {values}" for name, values in rules.items())
    return Markup('<meta http-equiv="Content-Security-Policy" content="{}">').format(
        Markup(content)
    )


def _digest(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode("ascii")
