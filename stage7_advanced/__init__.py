"""Stage 7, advanced: Byzantine faults, replicated data types, and seeing what a system does."""
