"""Verb scenario: everything measured as if some missing links were open."""
