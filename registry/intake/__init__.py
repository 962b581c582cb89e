"""From a table that a bureau sent to records the store can take, and a list of the rows it cannot.

``files`` opens a file as a table of text cells with the file's own row numbers; ``columns`` finds which column is
which field; ``cells`` and ``places`` read what stands in them; ``checks`` says what is wrong and writes down the rows
that were turned back; ``positions`` and ``batch`` put the rows together. ``suggestion`` proposes a mapping file,
``matching`` finds rows that may be one site. Nothing here knows of a store.
"""

from registry.intake.batch import read_batch
from registry.intake.checks.rejects import write_rejects
from registry.intake.columns.mapping import Mapping, load_mapping

__all__ = ["Mapping", "load_mapping", "read_batch", "write_rejects"]
