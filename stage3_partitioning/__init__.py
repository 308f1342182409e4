"""Stage 3: partitioning and replication."""
