"""How well the cities of a metropolitan area are joined, from OpenStreetMap."""
