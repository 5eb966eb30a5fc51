"""Text in and out: JSON, YAML, the operator's files, text that is safe for a terminal, error sentences, private
files.
"""
