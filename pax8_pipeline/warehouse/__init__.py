"""The DuckDB warehouse: connection, contracts, SQL."""
