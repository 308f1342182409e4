"""Charts in one style, for what stands beside the labs: demonstrations and studies.

* :mod:`common.charts.style` says which colours there are, on light pages and on dark ones.
* :mod:`common.charts.drawing` draws curves, bars and spreads, by matplotlib (extra ``charts``).
"""
