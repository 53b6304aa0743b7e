"""The feed: a log of all changes of public records, and the documents that are written from it.

The log is written in the transaction of a save: ``publish`` notes which records it touches, asks
``describe`` which descriptions that affects and what they are now, and numbers and writes those
that differ. ``log_state`` says how far the log is, ``catalogue`` and ``changes`` answer requests
from it, and ``verify`` compares it with CKAN. How and why: ``docs/feeds.md``.
"""
