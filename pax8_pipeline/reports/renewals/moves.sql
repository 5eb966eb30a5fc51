-- The proposed moves, the best first.
FROM reconciled.moves ORDER BY score DESC, old_last_day, old_subscription_id;
