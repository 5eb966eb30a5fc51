/* The shapes that the tables of this file have had. The highest version is the present one; a file without a row is of
version 1, when versions were not stored.

key: version
| version | INTEGER not null | Version of the tables |
| since | TIMESTAMP not null | When the file got it, UTC |
| made_by | VARCHAR not null | Version of pax8-pipeline that made it so |
*/
