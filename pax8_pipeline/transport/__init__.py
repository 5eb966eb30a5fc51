"""Talking HTTP and JSON to a vendor: rate, retries, tokens, errors, complete lists. No vendor's meaning."""
