"""Reads the vendors' lists into the raw tables: what to ask, and when a read may be stored. No Dagster."""
