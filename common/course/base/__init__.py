"""What the rest of the course tool stands on: manifests, holes, limits, how it speaks to people."""
