"""Stage 5: fault tolerance, recovery, membership."""
