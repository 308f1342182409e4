"""Stage 4: consensus and coordination."""
