"""Matches companies to clients and subscriptions to lines, by ids only."""
