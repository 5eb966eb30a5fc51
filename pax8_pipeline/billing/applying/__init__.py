"""From an approved plan to Halo: claim, send, read back, compare. Vendors are reached through `ports` only."""
