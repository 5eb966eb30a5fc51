/* One row per Pax8 company.

key: company_id
reads: newest.pax8_companies
| company_id | VARCHAR not null | Pax8 company id, lower case; of a company without id its place in the read
  | pax8.companies.payload |
| name | VARCHAR | Name as Pax8 shows it | pax8.companies.payload |
| external_id | VARCHAR | Free text the partner set in Pax8; taken as Halo client id where it is one
  | pax8.companies.payload |
| bill_on_behalf | BOOLEAN | True when Pax8 bills this company itself | pax8.companies.payload |
| status | VARCHAR | Active, Inactive or Deleted | pax8.companies.payload |
| problem | VARCHAR | What of it cannot be read; such a row exists, and is used for nothing | pax8.companies.payload |
*/
SELECT coalesce(meta.idtext(j.id), object_id) AS company_id, meta.clean(j.name) AS name,
       meta.as_written(j.externalId) AS external_id,
       meta.flag_or_null(j.billOnBehalfOfEnabled) AS bill_on_behalf, meta.txt(j.status) AS status,
       coalesce(meta.missing('id', j.id), meta.missing('billOnBehalfOfEnabled', j.billOnBehalfOfEnabled),
                meta.bad_flag('billOnBehalfOfEnabled', j.billOnBehalfOfEnabled)) AS reject, object_id, payload
FROM (SELECT *, from_json(payload, '{"id":"VARCHAR","name":"VARCHAR","externalId":"VARCHAR",
        "billOnBehalfOfEnabled":"VARCHAR","status":"VARCHAR"}') AS j FROM newest.pax8_companies)
