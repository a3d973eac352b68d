"""The embedded default: a synthetic extract on real boundaries, with its truth."""
