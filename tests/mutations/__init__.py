"""Lines that guard something, and the tests that must fail when they are broken.

``table.toml`` names for each rule its file, the text that guards it, the text that replaces it, and
the tests. ``make mutations`` breaks one after the other in a copy of the repository and reports
those that no test noticed.
"""
