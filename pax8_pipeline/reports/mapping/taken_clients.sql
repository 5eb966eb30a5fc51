-- Halo clients that stand for a Pax8 company already.
SELECT client_id, any_value(company_name) AS company_name FROM reconciled.client_matches
WHERE state = 'matched' GROUP BY client_id;
