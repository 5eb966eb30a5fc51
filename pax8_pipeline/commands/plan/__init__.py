"""`pax8-pipeline plan`: show, approve, apply, rollback."""
