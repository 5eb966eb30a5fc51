"""The synthetic MSP: made from a seed, with days that pass and planned events."""
