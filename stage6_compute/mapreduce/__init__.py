"""MapReduce: work that finishes, no matter which process dies.

Reading order:

1. ``words``: map, partition, combine, reduce, all in one process. The first evening begins here.
2. ``messages``: jobs, tasks, attempts; what is said.
3. ``roll``: who is there. ``books``: what the coordinator knows of a job; ``scheduling``: which
   task is next.
4. ``coordinator``: hands out tasks, notices who is gone, decides whose output counts.
5. ``worker``: does what it is assigned, and says so until it was heard.
6. ``inmemory`` and ``machine``: the hands of a worker, and what holds all together.
7. ``client``: wants a job.

Around it: ``worlds`` says how it runs, ``checks`` what must hold, ``small`` has the instances for
the explorer, ``demo`` shows it, ``plot`` draws who did what. ``front`` does jobs on real files.
"""
