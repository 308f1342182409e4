"""The text in terminals: ``page.py`` is what one sees and types into, ``terminal.py`` runs it."""
