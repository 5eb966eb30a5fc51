"""Pax8-to-HaloPSA billing sync as a Dagster pipeline."""
