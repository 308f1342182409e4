"""Who is alive? Failure detection and membership: SWIM, and Lifeguard's local health.

Reading order:

1. ``detector``: everybody sends heartbeats to everybody. The first evening begins here.
2. ``messages``: what members say to each other, and what is asked and told.
3. ``members``: the table of one member: what it believes of everybody, and which one it probes
   next.
4. ``probing``: a few messages a period, however many members there are.
5. ``suspicion``: first suspected, then dead; a living member refutes.
6. ``dissemination``: news travels on the probes; newcomers join.
7. ``lifeguard``: a slow member doubts itself before it doubts others.

Around it: ``worlds`` says how it runs, ``checks`` what must hold, ``small`` is the instance for the
explorer, ``demo`` shows it; ``plot`` draws how it grows, ``plot_detectors`` the price of a fast
detector. ``front`` speaks to Serf agents.
"""
