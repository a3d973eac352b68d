"""Rasters: population and land cover."""
