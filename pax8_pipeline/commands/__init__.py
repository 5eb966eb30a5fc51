"""The commands of `pax8-pipeline`, one module each; `cli` finds them by name."""
