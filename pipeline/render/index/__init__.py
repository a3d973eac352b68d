"""``maps/index.html``: every metro's card."""
