"""OpenStreetMap: reading and writing its files."""
