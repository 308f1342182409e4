"""Graded suite of the lab ``log``: epochs."""
