/* Which days of which usage summary were asked for lines, and what the summary came to then: what has not changed since
is not asked again. One row per question that was answered whole.

| month | VARCHAR not null | Usage month, yyyy-mm |
| summary_id | VARCHAR not null | Usage summary, lower case |
| usage_date | DATE not null | Day asked for |
| asked_on | DATE not null | Day of the run that asked |
| asked_at | TIMESTAMP not null | When it was asked, UTC |
| found | BIGINT not null | How many lines came |
| charges | DECIMAL(28,10) | Client-side charges of the summary when it was asked, empty when not known |
| cost | DECIMAL(28,10) | Partner cost of the summary when it was asked, empty when not known |
*/
