"""HTTP and JSON for any vendor: rate limit, retries, tokens, errors, complete lists. What the data means is in `pax8`
and `halo`.
"""
