"""The commands about tenants: list, add, workspace."""
