"""What was written, for good: the ledger, its backups, open writes settled by reading, documents compared nightly."""
