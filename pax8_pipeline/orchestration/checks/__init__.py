"""Asset checks, one file per concern: the query, the sentence, the money. Each has a test that makes it fail."""
