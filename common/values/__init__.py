"""Floor 0: plain values that everything else is built from. Standard library only."""
