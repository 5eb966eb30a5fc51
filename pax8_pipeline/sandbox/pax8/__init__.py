"""The emulated Pax8: its store, its lists, its invoices and usage, its answers."""
