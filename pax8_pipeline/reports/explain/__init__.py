"""The history of one id: Pax8, Halo, plans, approvals, writes."""
