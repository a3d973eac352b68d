"""The source `overpass`: a small area by the Overpass API."""
