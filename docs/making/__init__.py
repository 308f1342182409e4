"""Makes the docs site. In which order to read:

1. ``staging``: the folder ``out/docs`` that MkDocs reads, and what is written there;
2. ``expanding``: a page's source becomes a page: code, output and made parts are put in;
3. ``terms``: the first use of a word of the course leads to the glossary;
4. ``anchors``: a Chinese page gets the anchors of the English one;
5. ``nav``: stages, labs and decisions in the site's navigation;
6. ``building``: MkDocs is run, strictly, and not at all if nothing changed;
7. ``rendering``, ``indexing``: what MkDocs makes of a page, kept while nothing of it is new;
8. ``colouring``: the code of labs is coloured once, and put into the pages of both languages;
9. ``searching``: what is typed in Chinese is cut into words, its last letter too.

What takes long is kept in ``.cache``: the output of commands (``running``), what playgrounds need
of each lab (``keeping``), what files import (``importing``), pages (``slots``). ``python -m
docs.making`` does it all; ``make docs`` is the same with its tools installed.
"""
