"""Any file that a table comes in, opened as one ``SourceTable``; hostile and broken files are refused in one line."""
