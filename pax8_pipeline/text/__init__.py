"""Text in and out: JSON, YAML, files of an operator, text safe for a terminal, error sentences, private files."""
