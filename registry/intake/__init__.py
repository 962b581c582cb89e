"""From a table that a bureau sent to records the store can take, and a list of the rows it cannot.

``readers`` opens a file as a table of text cells with the file's own row numbers; ``headers`` finds which
column is which field; ``numbers``, ``coordinates`` and ``checks`` read the cells; ``batch`` puts the rows
together and ``rejects`` writes down the ones that were turned back. Nothing here knows of a store.
"""

from registry.intake.batch import read_batch
from registry.intake.mapping import Mapping, load_mapping
from registry.intake.rejects import write_rejects

__all__ = ["Mapping", "load_mapping", "read_batch", "write_rejects"]
