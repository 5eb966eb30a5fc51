"""`pax8-pipeline doctor`: settings, data folder, mapping files, vendors."""
