"""The synthetic MSP: made from a seed, it lives through days and planted events."""
