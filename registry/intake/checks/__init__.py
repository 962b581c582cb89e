"""What is wrong or odd in a row, said so that a bureau can put it right, and the file that goes back to it."""
