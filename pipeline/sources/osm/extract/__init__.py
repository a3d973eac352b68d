"""From OpenStreetMap files to the layers of the extract stage, a subject per module."""
