"""The emulated Halo: its store, its lists, its writes and nightly invoicing, its answers."""
