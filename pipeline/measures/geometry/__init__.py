"""Plane geometry that measures share: grids, points in areas, directions."""
