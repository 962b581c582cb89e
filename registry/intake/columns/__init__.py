"""What a column is: the vocabulary of headers, the mapping file, columns that the registry itself wrote."""
