"""A registry of the places where bulk solid waste lies."""
