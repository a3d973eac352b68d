"""Verb compare: two finished runs of one metro side by side."""
