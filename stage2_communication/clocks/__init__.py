"""Logical clocks: Lamport's numbers and vectors.

Reading order: ``lamport``, then ``vector``.
"""
