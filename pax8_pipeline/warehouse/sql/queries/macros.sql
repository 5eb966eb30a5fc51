-- Small words the staging queries share. Vendors leave keys out, send null or send "": all three are NULL here.
CREATE OR REPLACE MACRO meta.txt(x) AS nullif(trim(x), '');
CREATE OR REPLACE MACRO meta.idtext(x) AS lower(nullif(trim(x), ''));
-- A date is cut from the front of whatever was sent and never shifted through a time zone (api/pax8.md section 15).
CREATE OR REPLACE MACRO meta.day(x) AS try_cast(substr(nullif(trim(x), ''), 1, 10) AS DATE);
-- Halo writes "no date" as a year before 1910 (api/halo.md section 4).
CREATE OR REPLACE MACRO meta.halo_day(x) AS
  CASE WHEN year(try_cast(substr(nullif(trim(x), ''), 1, 10) AS DATE)) >= 1910
       THEN try_cast(substr(nullif(trim(x), ''), 1, 10) AS DATE) END;
CREATE OR REPLACE MACRO meta.num(x) AS try_cast(nullif(trim(x), '') AS DECIMAL(28,10));
CREATE OR REPLACE MACRO meta.flag(x) AS coalesce(try_cast(nullif(trim(x), '') AS BOOLEAN), false);
-- Halo writes "none" as 0 or -1 for many ids (api/halo.md section 4).
CREATE OR REPLACE MACRO meta.halo_id(x) AS
  CASE WHEN try_cast(x AS BIGINT) NOT IN (0, -1) THEN try_cast(x AS BIGINT) END;
-- What a licence's `requested_quantity` says is under way: nothing when it is the count, or Halo's empty 0 without a date.
-- A value that is no number is under way too: nobody knows to what.
CREATE OR REPLACE MACRO meta.requested(asked, asked_on, held) AS
  CASE WHEN meta.txt(asked) IS NULL OR meta.num(asked) = meta.num(held) THEN NULL
       WHEN meta.num(asked) = 0 AND meta.halo_day(asked_on) IS NULL THEN NULL
       ELSE meta.txt(asked) END;
CREATE OR REPLACE MACRO meta.currency(x) AS
  CASE WHEN regexp_full_match(trim(x), '[A-Za-z]{3}') THEN upper(trim(x)) END;
-- Months one price covers, by Pax8 billing term and by Halo period. Sources disagree on what Halo's periods 8, 9 and
-- others are (api/halo.md section 7): no amount and no date is worked out from them.
CREATE OR REPLACE MACRO meta.term_months(x) AS
  CASE lower(x) WHEN 'monthly' THEN 1 WHEN 'annual' THEN 12 WHEN '2-year' THEN 24 WHEN '3-year' THEN 36 END;
CREATE OR REPLACE MACRO meta.period_months(x) AS
  CASE x WHEN 1 THEN 0.230769 WHEN 2 THEN 1 WHEN 3 THEN 12 WHEN 4 THEN 3 WHEN 5 THEN 6 WHEN 7 THEN 36 END;
-- Money a month, to six places. DuckDB divides decimals as doubles, so the division is done on whole numbers.
CREATE OR REPLACE MACRO meta.per_month(amount, months) AS
  ((CAST(round(amount * 1000000) AS HUGEINT) * 1000000) // CAST(months * 1000000 AS HUGEINT))::DECIMAL(28,0) * 0.000001;
-- Halo keeps money as a double: what a licence shows is compared to four places; nothing is 0.
CREATE OR REPLACE MACRO meta.same_money(seen, planned) AS
  round(coalesce(seen, 0), 4) = round(coalesce(try_cast(planned AS DECIMAL(28,10)), 0), 4);
-- A decimal as people write it: 20, not 20.0000000000.
CREATE OR REPLACE MACRO meta.plain(x) AS
  CASE WHEN contains(x::VARCHAR, '.') THEN rtrim(rtrim(x::VARCHAR, '0'), '.') ELSE x::VARCHAR END;
