"""The mapping files that an operator fills in."""
