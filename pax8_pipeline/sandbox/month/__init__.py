"""Month ends in a world: errors that are planted on purpose, and harmless cases that look like them."""
