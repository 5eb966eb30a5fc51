-- Web addresses and Microsoft domains of Pax8 companies, as sent.
SELECT meta.idtext(json_extract_string(payload, '$.id')) AS company_id,
       json_extract_string(payload, '$.website') AS address
FROM newest.pax8_companies WHERE meta.txt(json_extract_string(payload, '$.website')) IS NOT NULL
UNION
SELECT meta.idtext(json_extract_string(payload, '$.companyId')),
       unnest(regexp_extract_all(lower(payload), '[a-z0-9-]+\.onmicrosoft\.com'))
FROM newest.pax8_subscriptions WHERE contains(lower(payload), '.onmicrosoft.com');
