"""When things run, and who hears of it: months, jobs, the schedule, alerts, starting a run from a program."""
