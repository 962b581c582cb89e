"""Tables made small for a page; ``block`` describes how they travel, the others lay out one kind of column each."""
