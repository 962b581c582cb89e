"""Where the registry is kept: one schema, opened by URL.

``engine`` opens a store and turns its refusals into errors a user can read, ``geopackage`` writes what the OGC
standard asks of a file beyond our tables, ``write`` and ``read`` move frames in and out in bulk. The store knows
tables and frames; it computes nothing about them.
"""
