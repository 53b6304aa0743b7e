"""The feed is a log, not a query: what is public, in which order it changed, and its bytes.

``capture`` notes what a transaction touches, ``reach`` finds whose descriptions that changes,
``render`` describes them, ``publish`` numbers and writes what differs, all in the transaction
itself. ``read`` answers from what was written, ``verify`` compares it with CKAN. How and why:
``docs/feeds.md``.
"""
