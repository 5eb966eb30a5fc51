"""How far each client may be trusted: what it lacks before the mode `auto`, and the nights it has proved."""
