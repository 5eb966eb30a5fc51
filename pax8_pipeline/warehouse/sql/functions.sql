-- Small words the staging queries share. Vendors leave keys out, send null or send "": all three are NULL here.
-- Ids, numbers and dates are read strictly, as values.py does: a cast alone rounds '200.6' to 201 and takes '1_000',
-- '1e3', '0x10' and '+5'. What is none is NULL, and who needs it rejects the row with its text.
-- Text from outside is shown, not obeyed: characters that steer a terminal or hide themselves (controls, escape, bidi
-- marks, zero width) are written out, such as <U+001B>. No two texts become equal by it. The payload in raw stays as
-- sent.
CREATE OR REPLACE MACRO meta.written_out(x) AS
  nullif(trim(list_aggregate(list_transform(string_split(x, ''), lambda c:
    CASE WHEN regexp_matches(c, '[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]') THEN printf('<U+%04X>', unicode(c)) ELSE c END),
    'string_agg', '')), '');
CREATE OR REPLACE MACRO meta.txt(x) AS
  CASE WHEN regexp_matches(x, '[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]') THEN meta.written_out(x) ELSE nullif(trim(x), '') END;
-- A name or description: line breaks and tabs in it are blanks. They are hidden characters too, so that one question is
-- enough for almost every text: each use of a macro is planned again by DuckDB.
CREATE OR REPLACE MACRO meta.clean(x) AS
  CASE WHEN regexp_matches(x, '[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]')
       THEN meta.written_out(CASE WHEN regexp_matches(x, '[\t\n\v\f\r\x{85}\x{2028}\x{2029}]')
              THEN regexp_replace(x, '[ \t\n\v\f\r\x{85}\x{2028}\x{2029}]+', ' ', 'g') ELSE x END)
       ELSE nullif(trim(x), '') END;
CREATE OR REPLACE MACRO meta.idtext(x) AS lower(nullif(trim(x), ''));
-- Only ASCII spaces around a value are passed over: a no-break or zero-width space makes it unreadable.
-- Text that may be an id: what is cut from it must not make one of it.
CREATE OR REPLACE MACRO meta.as_written(x) AS nullif(trim(x, ' ' || chr(9) || chr(10) || chr(13)), '');
-- A Halo id: ASCII digits, no leading zero. Halo writes "none" as 0 or -1 for many ids (docs/vendors/halo.md#formats).
CREATE OR REPLACE MACRO meta.halo_id(x) AS
  CASE WHEN regexp_full_match(x, '[ \t\r\n]*[1-9][0-9]{0,18}[ \t\r\n]*') THEN try_cast(x AS BIGINT) END;
-- True for what is written where a Halo id belongs and is none; "none" itself (left out, 0, -1) is not meant.
CREATE OR REPLACE MACRO meta.bad_halo_id(x) AS
  coalesce(NOT regexp_full_match(x, '[ \t\r\n]*(0|-1|[1-9][0-9]{0,18})?[ \t\r\n]*'), false);
-- Recurring invoices have negative ids (docs/vendors/halo.md#formats). As the row's own id even -1 would be one.
CREATE OR REPLACE MACRO meta.own_recurring_id(x) AS
  CASE WHEN regexp_full_match(x, '[ \t\r\n]*-?[1-9][0-9]{0,18}[ \t\r\n]*') THEN try_cast(x AS BIGINT) END;
CREATE OR REPLACE MACRO meta.recurring_id(x) AS nullif(meta.own_recurring_id(x), -1);
-- A Pax8 id where people write one: a UUID. Rows of Pax8 itself keep theirs as opaque text
-- (docs/vendors/pax8.md#formats).
CREATE OR REPLACE MACRO meta.pax8_id(x) AS
  nullif(lower(regexp_extract(x, '(?i)^[ \t\r\n]*([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})[ \t\r\n]*$', 1)), '');
-- A number is what JSON calls one, with at most 18 digits before its dot (NaN, 1e400 are none). Digits after the tenth
-- place are rounded: prices come out of divisions as doubles (8.333333333333334), and such a digit is worth nothing.
CREATE OR REPLACE MACRO meta.num(x) AS
  CASE WHEN regexp_full_match(x, '[ \t\r\n]*-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]{1,3})?[ \t\r\n]*')
       THEN try_cast(x AS DECIMAL(28,10)) END;
-- Seats: a number whose digits do not all fit is not readable (3.00000000001 is not 3 seats). The sixteenth digit of a
-- double is noise and no digit (docs/vendors/halo.md#formats).
CREATE OR REPLACE MACRO meta.exact(x) AS
  CASE WHEN abs((try_cast(x AS DECIMAL(38,24)) - meta.num(x))::DOUBLE) <= 1e-15 * greatest(abs(meta.num(x)::DOUBLE), 1)
       THEN meta.num(x) END;
-- A whole number that counts or names a kind; 3.0 is 3, as some serialisers write it. Never for ids.
CREATE OR REPLACE MACRO meta.whole(x) AS
  CASE WHEN regexp_full_match(x, '[ \t\r\n]*-?(0|[1-9][0-9]{0,17})(\.0+)?[ \t\r\n]*') THEN try_cast(x AS BIGINT) END;
-- A number that names a kind: left out it is 0, unreadable it is -99, which no vendor uses, and never 0.
CREATE OR REPLACE MACRO meta.kind(x) AS coalesce(meta.whole(x), CASE WHEN coalesce(trim(x), '') = '' THEN 0
  ELSE -99 END);
-- A date is cut from the front of whatever was sent and never shifted through a time zone
-- (docs/vendors/pax8.md#formats).
CREATE OR REPLACE MACRO meta.day(x) AS
  CASE WHEN regexp_full_match(trim(x), '[0-9]{4}-[0-9]{2}-[0-9]{2}([T ].*)?')
    THEN try_cast(substr(trim(x), 1, 10) AS DATE) END;
-- Halo writes "no date" as a year before 1910 (docs/vendors/halo.md#formats).
CREATE OR REPLACE MACRO meta.halo_day(x) AS
  CASE WHEN regexp_full_match(trim(x), '(19[1-9]|[2-9][0-9]{2})[0-9]-[0-9]{2}-[0-9]{2}([T ].*)?')
       THEN try_cast(substr(trim(x), 1, 10) AS DATE) END;
CREATE OR REPLACE MACRO meta.flag_or_null(x) AS
  CASE WHEN regexp_full_match(x, '(?i)\s*(true|1|yes|y|t|on)\s*') THEN true
       WHEN regexp_full_match(x, '(?i)\s*(false|0|no|n|f|off)\s*') THEN false END;
CREATE OR REPLACE MACRO meta.flag(x) AS coalesce(regexp_full_match(x, '(?i)\s*(true|1|yes|y|t|on)\s*'), false);
-- What a licence's `requested_quantity` says is under way: nothing when it is the count, or Halo's empty 0 without a
-- date.
-- A value that is no number is under way too: nobody knows to what.
CREATE OR REPLACE MACRO meta.requested(asked, asked_on, held) AS
  CASE WHEN meta.txt(asked) IS NULL OR meta.num(asked) = meta.num(held) THEN NULL
       WHEN meta.num(asked) = 0 AND meta.halo_day(asked_on) IS NULL THEN NULL
       ELSE meta.txt(asked) END;
CREATE OR REPLACE MACRO meta.currency(x) AS
  CASE WHEN regexp_full_match(trim(x), '[A-Za-z]{3}') THEN upper(trim(x)) END;
-- Months one price covers, by Pax8 billing term and by Halo period. Sources disagree on what Halo's periods 8, 9 and
-- others are (docs/vendors/halo.md#periods): no amount and no date is worked out from them.
CREATE OR REPLACE MACRO meta.term_months(x) AS
  CASE lower(x) WHEN 'monthly' THEN 1 WHEN 'annual' THEN 12 WHEN '2-year' THEN 24 WHEN '3-year' THEN 36 END;
CREATE OR REPLACE MACRO meta.period_months(x) AS
  CASE x WHEN 1 THEN 0.230769 WHEN 2 THEN 1 WHEN 3 THEN 12 WHEN 4 THEN 3 WHEN 5 THEN 6 WHEN 7 THEN 36 END;
-- Money a month, to six places. DuckDB divides decimals as doubles, so the division is done on whole numbers.
CREATE OR REPLACE MACRO meta.per_month(amount, months) AS
  ((CAST(round(amount * 1000000) AS HUGEINT) * 1000000) // CAST(months * 1000000 AS HUGEINT))::DECIMAL(28,0) * 0.000001;
-- A decimal as people write it: 20, not 20.0000000000.
CREATE OR REPLACE MACRO meta.plain(x) AS
  CASE WHEN contains(x::VARCHAR, '.') THEN rtrim(rtrim(x::VARCHAR, '0'), '.') ELSE x::VARCHAR END;
-- What is wrong with a value, in words; NULL when it can be read or was left out. Whether anything was sent is asked by
-- trim alone: meta.txt compiles three patterns at each place where it is used, and leaves a value empty only where trim
-- does. Whether it may be left out is asked
-- by meta.missing: "not sent" never means "as before" or "as on the other side".
CREATE OR REPLACE MACRO meta.missing(name, x) AS CASE WHEN coalesce(trim(x), '') = '' THEN 'no ' || name END;
CREATE OR REPLACE MACRO meta.bad_num(name, x) AS
  CASE WHEN trim(x) <> '' AND meta.num(x) IS NULL THEN name || ' is not a number: ' || left(x, 80) END;
CREATE OR REPLACE MACRO meta.bad_day(name, x) AS
  CASE WHEN trim(x) <> '' AND meta.day(x) IS NULL THEN name || ' is not a date: ' || left(x, 80) END;
CREATE OR REPLACE MACRO meta.bad_flag(name, x) AS
  CASE WHEN trim(x) <> '' AND meta.flag_or_null(x) IS NULL THEN name || ' is neither true nor false: '
    || left(x, 80) END;
CREATE OR REPLACE MACRO meta.bad_id(name, x) AS
  CASE WHEN meta.bad_halo_id(x) THEN name || ' is not a Halo id: ' || left(x, 80) END;
-- The same for several values at once, each {'name': ..., 'value': ...}: the first that cannot be read.
CREATE OR REPLACE MACRO meta.bad_flags(fields) AS
  list_transform(list_filter(fields, lambda f: trim(f.value) <> '' AND meta.flag_or_null(f.value) IS NULL),
                 lambda f: f.name || ' is neither true nor false: ' || left(f.value, 80))[1];
CREATE OR REPLACE MACRO meta.bad_nums(fields) AS
  list_transform(list_filter(fields, lambda f: trim(f.value) <> '' AND meta.num(f.value) IS NULL),
                 lambda f: f.name || ' is not a number: ' || left(f.value, 80))[1];
CREATE OR REPLACE MACRO meta.bad_days(fields) AS
  list_transform(list_filter(fields, lambda f: trim(f.value) <> '' AND meta.day(f.value) IS NULL),
                 lambda f: f.name || ' is not a date: ' || left(f.value, 80))[1];
-- The row's own id; without one nothing can be joined to it.
CREATE OR REPLACE MACRO meta.bad_own_id(x, readable) AS
  CASE WHEN coalesce(trim(x), '') = '' THEN 'no id' WHEN readable IS NULL THEN 'id is not a Halo id: '
    || left(x, 80) END;
-- A member that should be a list: anything else hides what it holds. `kind` is its json_type.
CREATE OR REPLACE MACRO meta.bad_list(name, kind) AS
  CASE WHEN kind NOT IN ('ARRAY', 'NULL') THEN name || ' is not a list' END;
-- What an operator said in policy usage.internal_companies and usage.confirmed_groups, which a query passes on: it
-- names each variable that it depends on, and gets no others.
CREATE OR REPLACE MACRO meta.is_internal(internal_companies, company_id, company_name) AS
  coalesce(list_has_any(internal_companies::VARCHAR[], [company_id, lower(company_name)]), false);
CREATE OR REPLACE MACRO meta.is_confirmed(confirmed_groups, subscription_id, grp) AS
  coalesce(list_contains(confirmed_groups::VARCHAR[], subscription_id || '/' || coalesce(grp, '')), false);
-- The key of a usage document: PAX8-USAGE <month> <company>, of the nth correction with -adj<n> behind it; and its
-- parts.
CREATE OR REPLACE MACRO meta.usage_key(month, company_id, correction) AS
  'PAX8-USAGE ' || month || ' ' || company_id || coalesce('-adj' || correction, '');
CREATE OR REPLACE MACRO meta.usage_key_month(key) AS split_part(key, ' ', 2);
CREATE OR REPLACE MACRO meta.usage_key_company(key) AS regexp_replace(split_part(key, ' ', 3), '-adj\d+$', '');
-- As it is written, from one in lower case.
CREATE OR REPLACE MACRO meta.usage_key_shown(key) AS 'PAX8-USAGE ' || substr(key, 12);
-- Whether a plan's row is about metered usage and not about seats.
CREATE OR REPLACE MACRO meta.is_usage(verdict) AS starts_with(verdict, 'usage_');
