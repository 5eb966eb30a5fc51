"""The HTML report: one page that an owner can read and an auditor can check."""
