"""Graded suite of the lab ``log``: producers."""
