"""The document for the search index, the parameters of searches, and the labels of facets."""
