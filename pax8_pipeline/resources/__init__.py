"""What a run is given: settings, the warehouse, one client per vendor. Thin wrappers, nothing is decided here."""
