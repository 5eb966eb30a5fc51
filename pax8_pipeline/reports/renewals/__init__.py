"""Commitments and renewals ahead, and moves of lines to new subscriptions: rows, tables, iCalendar."""
