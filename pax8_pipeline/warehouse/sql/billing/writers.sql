/* Who writes usage into this Halo tenant: this data folder's identity, and the identities of other folders that a
person retired. Nothing updates or deletes a row.

key: recorded_at, writer
| recorded_at | TIMESTAMP not null | When, UTC |
| writer | VARCHAR not null | Identity, as usage documents carry it |
| kind | VARCHAR not null | own or retired |
| who | VARCHAR not null | The person, empty for the first apply |
| why | VARCHAR not null | The reason |
*/
