-- Usage documents that went missing together with others and that no person accepted.
SELECT usage_key, client_id, net, missing_since, detail FROM billing.documents
WHERE state = 'missing' AND accepted_at IS NULL
QUALIFY count(*) OVER (PARTITION BY missing_since) > 1
ORDER BY missing_since, usage_key;
