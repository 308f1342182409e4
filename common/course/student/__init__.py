"""The student's loop: a workspace with holes, its progress, hints, and what to do next."""
