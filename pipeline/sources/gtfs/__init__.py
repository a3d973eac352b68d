"""Timetables in GTFS."""
