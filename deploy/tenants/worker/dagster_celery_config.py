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
# A task counts as taken when it starts. Taken back, it would start a run again that Dagster repeats by itself.
task_acks_late = False
result_expires = 7 * 86400
