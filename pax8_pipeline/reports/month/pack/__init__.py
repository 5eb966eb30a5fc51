"""The pack of a month end: one folder with the report, the spreadsheet, the same as CSV and Parquet, and a sign-off page."""
