"""Lines that guard something, and the tests that must go red when they are broken.

``table.toml`` names for each rule its file, the text that guards it, what the text becomes, and the
tests. ``make mutations`` breaks one after the other in a copy of the repository and reports what no
test noticed.
"""
