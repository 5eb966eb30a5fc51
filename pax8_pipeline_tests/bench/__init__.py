"""`make bench`: how fast the product is, always beside something else in the same run on the same machine.

Each figure is a ratio: two ways of doing one thing, measured in turns, the median of some rounds. So a slow or busy
machine changes both sides. docs/performance.md shows the last results and says what each one means.
"""
