"""Everything that only reads and formats: plan, usage, the history of one id, the cutover checklist."""
