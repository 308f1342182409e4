"""Stage 1, foundations: what makes a system distributed, met on a wire.

Labs: ``echo``, ``link``, ``failures``, ``cap``, ``netem``.
"""
