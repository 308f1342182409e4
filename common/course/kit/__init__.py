"""The instructor's kit: handouts, grading, reports, and the proofs that the marks are right.

Files are named for what they know; what a person types is in ``verbs_*.py``.
"""
