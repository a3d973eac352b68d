"""Borders between cities: where they run, and what lies beside them."""
