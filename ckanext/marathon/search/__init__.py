"""What goes into the search index, what is left out of a search, and how its filters read."""
