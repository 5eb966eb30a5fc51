/* data/acknowledged.csv as last read: findings that a person knows of and leaves as they are.

key: finding_id
| finding_id | VARCHAR not null | The finding, lower case | billing.findings.finding_id |
| reason | VARCHAR not null | Why | |
| who | VARCHAR not null | By whom | |
| until | DATE | Last day it holds; empty for ever | |
| amount | DECIMAL(28,10) | Its money then, never below 0 (the finding says which way); empty where it was not known | |
| currency | VARCHAR | ISO 4217 | |
| acknowledged_on | DATE not null | When | |
*/
