"""The verbs of the ``lab`` command that exist for every lab."""
