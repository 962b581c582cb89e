"""What a position says: angles in every spelling, offset Chinese systems, grids in metres, and what is put right in them."""
