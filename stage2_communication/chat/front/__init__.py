"""The chat in terminals.

Reading order: ``folder.py`` (where the terminals of a room find each other), ``seated.py`` (a
member in this process), ``editor.py`` (a line that is typed), ``screen.py`` (what is seen),
``terminal.py`` (all of it together).
"""
