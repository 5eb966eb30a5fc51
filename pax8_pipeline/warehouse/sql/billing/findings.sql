/* What only a person can put right, one row per thing and kind, with the day it was first seen. Kept over plans: a
changed amount or reason is the same finding, another kind or the other direction of its money is another one.

key: finding_id
| finding_id | VARCHAR not null | kind:row, and -overcharge behind the kind where Halo bills too much
  | billing.plan.verdict, billing.plan.row_id |
| kind | VARCHAR not null | Verdict | billing.plan.verdict |
| check_name | VARCHAR not null | Check that reports it | billing.plan.verdict |
| row_id | VARCHAR not null | Row of the plan | billing.plan.row_id |
| subscription_id | VARCHAR not null | Pax8 subscription, may be empty | billing.plan.subscription_id |
| client_id | BIGINT | Halo client | billing.plan.client_id |
| client_name | VARCHAR | Its name | billing.plan.client_name |
| company_id | VARCHAR | Pax8 company | billing.plan.company_id |
| company_name | VARCHAR | Its name | billing.plan.company_name |
| product_name | VARCHAR | Product | billing.plan.product_name |
| sentence | VARCHAR not null | What is so | billing.plan.sentence |
| money | DECIMAL(28,10) | Above 0 not billed, below 0 billed too much, empty not known
  | billing.plan.unbilled_per_month, reconciled.discrepancies.stake |
| per | VARCHAR not null | month, or once (usage) | billing.plan.verdict |
| currency | VARCHAR | ISO 4217 | billing.plan.currency |
| waits | BOOLEAN not null | A change that waits for an approval | billing.plan.class |
| first_seen | DATE not null | Day of the first run that found it | billing.plans.today |
| last_seen | DATE not null | Day of the last run that found it | billing.plans.today |
| changed_on | DATE not null | Day its money last grew or changed its currency | billing.plans.today |
| still_open | BOOLEAN not null | The last run found it | billing.plan.row_id |
| plan_id | VARCHAR not null | Last plan that had it | billing.plan.plan_id |
| first_plan | VARCHAR | First plan that had it; empty where an older version found it | billing.plan.plan_id |
*/
