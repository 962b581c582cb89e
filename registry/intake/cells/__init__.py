"""What a cell says: a table of text cells, spellings that are the same word, units, numbers. Knows nothing of columns."""
