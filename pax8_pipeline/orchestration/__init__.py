"""The only room that knows Dagster: assets, checks, jobs, the schedule, alerts, the instance."""
