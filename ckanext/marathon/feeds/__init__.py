"""The feed: a log of all changes of public records, and the documents that are written from it.

The log is written in the transaction of a save: ``publish`` notes which records it touches, asks
the source (``port``; ``source`` answers for CKAN) which descriptions that affects and what they are
now, and numbers and writes those that differ. ``log_state`` says how far the log is, ``catalogue``
and ``changes`` answer requests from it, and ``verify`` compares it with CKAN. ``README.md`` says on
one page what it is, ``docs/feeds.md`` how it works and why.
"""
