"""What people edit the text with.

``page.py`` is what one sees and types into, and ``terminal.py`` runs it in a terminal. In a page of
the docs site ``tab.py`` is the replica.
"""
