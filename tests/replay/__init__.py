"""The log tells the same as the database."""
