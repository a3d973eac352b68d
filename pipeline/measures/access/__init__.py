"""Zones, travel times between them, and what is reached within them."""
