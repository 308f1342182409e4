"""Runs code that nobody has to trust: sandbox, step and call protocols, signed reports."""
