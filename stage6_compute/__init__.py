"""Stage 6, query and compute: moving the work to the data."""
