"""Graded suites: the pytest plugin, and running a suite in a process of its own."""
