"""Work that runs over many things: the starter catalogue, checks."""
