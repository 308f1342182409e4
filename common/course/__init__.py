"""Floor 4: the course around the labs: manifests, grading, and the ``lab`` command.

It knows stages only through their manifests (``stageN_*/lab.yaml``), never by import.
"""
