"""The first screen of the report: what Pax8 charges, what clients are billed, the margin, and what needs somebody."""
