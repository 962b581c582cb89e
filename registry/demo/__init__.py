"""The demonstration: a synthetic inventory whose sums are the published ones, and the run through it."""
