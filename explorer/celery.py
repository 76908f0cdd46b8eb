"""The Celery application: workers that run compilations, one at a time each.

A message only says that there is work: what to run, in which order and who holds it is in explorer.compilations.queue,
so a lost or repeated message changes nothing.
"""

import logging
import os
import warnings
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "explorer.settings")

from celery import Celery
from celery.exceptions import SecurityWarning
from celery.signals import setup_logging, worker_init, worker_process_init, worker_ready
from django.conf import settings

# It warns root of what a pickled message could do; messages here are JSON without arguments.
warnings.filterwarnings("ignore", category=SecurityWarning)

log = logging.getLogger(__name__)

BROKER = settings.REDIS_URL.replace("unix://", "redis+socket://", 1)

app = Celery("explorer", broker=BROKER, include=["explorer.compilations.tasks"])
app.conf.update(
    task_default_queue="tilescope:work",
    task_ignore_result=True,
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    worker_prefetch_multiplier=1,
    worker_enable_remote_control=False,
    worker_send_task_events=False,
    broker_connection_retry_on_startup=True,
    broker_pool_limit=50,
    # The defaults of redis-py 8 cut off blocking reads after 5 s; a worker's read blocks for 10.
    broker_transport_options={
        "socket_timeout": 60,
        "socket_connect_timeout": 5,
        "health_check_interval": 25,
        "max_connections": 100,
    },
)


@setup_logging.connect
def _log_as_django(**_: Any) -> None:
    """Celery leaves logging to settings.LOGGING."""


@worker_init.connect
def _warm(**_: Any) -> None:
    from explorer.compilations.sandbox import network_can_be_left
    from explorer.warm import warm

    warm()
    network = "without network" if network_can_be_left() else "with the worker's network: the system does not let them leave it"
    log.info("compilations run %s", network)


@worker_process_init.connect
def _end_with_worker(**_: Any) -> None:
    from explorer.process import die_with_parent

    die_with_parent(os.getppid())


@worker_ready.connect
def _watch(**_: Any) -> None:
    from explorer.compilations.watch import start

    start()
