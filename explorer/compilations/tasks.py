"""The one task: run what comes next."""

from explorer.celery import app
from explorer.compilations.queue import Queue
from explorer.compilations.run import run_next
from explorer.redis_clients import client


@app.task(name="tilescope.work")
def _work() -> None:
    run_next(Queue(client()))


def call_a_worker() -> None:
    """Says that there is work."""
    app.send_task("tilescope.work")
