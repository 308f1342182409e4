"""Stage 8: the systems of the last twenty years, rebuilt small."""
