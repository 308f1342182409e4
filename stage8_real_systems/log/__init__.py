"""Ping and pong: write here what the lab is about.

Reading order:

1. ``node``: what is said, who answers, and who asks.

Around it: ``worlds`` says how it runs, ``checks`` what must hold, ``demo`` shows it.
"""
