"""A mapping file proposed for a table, from the likeness of its headers and cells to what the registry knows."""
