"""Asset checks, one file for each concern: the query, the sentence, the money. Each has a test that makes it fail."""
