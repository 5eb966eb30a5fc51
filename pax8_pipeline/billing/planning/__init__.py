"""From the reconciled tables to a stored plan: rows, verdicts, guardrails. Nothing is written to Halo."""
