"""Stations and links of public transport."""
