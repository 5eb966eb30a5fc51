"""Settings of a Celery worker for runs. Celery reads this module when its folder is in PYTHONPATH:

PYTHONPATH=deploy/tenants/worker celery -A dagster_celery.app worker --queues dagster
"""

from os import environ as _environ

broker_url = _environ["DAGSTER_CELERY_BROKER"]
result_backend = _environ["DAGSTER_CELERY_BACKEND"]
broker_connection_retry_on_startup = True
worker_concurrency = 1
# One process for one run: what a tenant's run has read is gone with its process, and the next run starts empty.
worker_max_tasks_per_child = 1
worker_prefetch_multiplier = 1
# A task is given back to the broker only when it ended. So a worker holds the one that it works on and no other: a run that
# waits is never lost with a worker. A task that comes a second time does nothing, because Dagster ignores a second start of
# a run; it comes later than the longest run (max_runtime_seconds of dagster.yaml).
task_acks_late = True
broker_transport_options = {"visibility_timeout": 4 * 3600}
result_expires = 7 * 86400
