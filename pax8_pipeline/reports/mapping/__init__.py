"""Suggestions for the mapping files: evidence read from the warehouse, tables, files of suggestions."""
