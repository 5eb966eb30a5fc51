/* What is known of each subscription's usage: when it was last asked, and whether it had any. One row per probe.

| subscription_id | VARCHAR not null | Pax8 subscription |
| probed_at | TIMESTAMP not null | When it was asked, UTC |
| found | BOOLEAN not null | Whether usage summaries came back |
*/
