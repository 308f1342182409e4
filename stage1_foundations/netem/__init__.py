"""Bad networks on purpose: the echo cluster behind real ``tc netem``, measured.

Reading order: ``shape.py`` (what to ask of the kernel), ``roundtrips.py`` (what to expect, and
whether it came), ``experiment.py`` (how it is measured), then the world that interests you:
``containers.py``, ``namespaces.py``, ``user_mode_linux.py``, ``fault_layer.py``.

Around it: ``networks.py`` knows these worlds by name, ``probe.py`` measures within one, ``plot.py``
draws what was measured, ``demo.py`` shows it.
"""
