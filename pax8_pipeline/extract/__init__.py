"""From a vendor into raw: what to ask, and what a read has to look like to be stored. No Dagster."""
