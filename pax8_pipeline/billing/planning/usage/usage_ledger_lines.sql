/* The lines of all documents that the ledger says were, or may have been, made: read once for what follows.

extends: billing.usage_billed
reads: billing.usage_billed
*/
SELECT * FROM billing.usage_billed
