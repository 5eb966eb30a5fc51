"""Faults on demand: broken bodies, lost answers, delays; and the log of requests."""
