"""The feed: a log of all changes of public records, and the documents that are written from it.

The log is written in the transaction of a save. ``publish`` notes which records the save touches,
asks the source (``port``, implemented for CKAN by ``source``) for the affected records and their
new descriptions, and writes a numbered change for each description that differs. ``log_state`` has
the state of the log and cursors, ``catalogue`` and ``changes`` answer requests from the log, and
``verify`` compares it with CKAN. ``README.md`` is an overview; ``docs/feeds.md`` explains how it
works and why.
"""
