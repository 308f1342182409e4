"""``lab design``: a design document against a check-list.

Read in this order: ``document.py`` (a Markdown file as sections and blocks, with their lines),
``checklist.py`` (what is asked of each section), ``words.py`` (what is asked of sentences),
``verb.py``. ``template.md`` is what ``lab design --new`` writes.
"""
