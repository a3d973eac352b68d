"""Verb export: finished layers in the formats of other programs."""
