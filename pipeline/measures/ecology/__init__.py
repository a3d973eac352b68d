"""Boundary ecology: belts, land, zones, conflicts, corridors, rivers."""
