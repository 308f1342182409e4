"""Graded suite of the lab ``log``: groups."""
