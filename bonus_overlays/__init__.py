"""Bonus: networks on top of networks."""
