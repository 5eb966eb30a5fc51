"""The Halo client: reading, and the four kinds of writing that this product may do."""
