"""Stage 2, communication and coordination: messages, clocks, and what they put in order.

Labs: ``clocks``, ``chat``.
"""
