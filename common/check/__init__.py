"""Floor 2: checkers of histories and of worlds. Standard library only, no clock, no threads."""
