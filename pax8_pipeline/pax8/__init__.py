"""Reading Pax8; there is no way to write to it."""
