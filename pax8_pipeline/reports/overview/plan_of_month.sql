-- The last plan made for a day of one month from complete reads. Parameters: first and last day.
SELECT plan_id, today FROM billing.plans WHERE complete AND today BETWEEN $first AND $last
ORDER BY today DESC, made_at DESC LIMIT 1
