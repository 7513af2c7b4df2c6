"""Jobs taken and ended many at a time: procrastinate's own way takes a transaction for each."""

from collections import deque
from collections.abc import Iterable
from typing import Any

from procrastinate.connector import BaseConnector
from procrastinate.exceptions import ConnectorException
from procrastinate.jobs import Job, Status
from procrastinate.manager import JobManager
from sqlalchemy import Connection, text

from bot.errors import StoreUnavailable
from bot.store.database import Database

MOST = 16

# Its own function, several times over: `number` keeps PostgreSQL from calling it but once.
_FETCH = text(
    """
    SELECT job.id, job.status, job.task_name, job.priority, job.lock, job.queueing_lock, job.args,
           job.scheduled_at, job.queue_name, job.attempts, job.worker_id
    FROM generate_series(1, :count) AS number, LATERAL procrastinate_fetch_job_v2(
        CAST(:queues AS varchar[]), CAST(:worker_id AS bigint) + 0 * number
    ) AS job
    WHERE job.id IS NOT NULL
    """
)

DROP = text("DELETE FROM procrastinate_jobs WHERE id = :job")


class Claims(JobManager):
    """The jobs of one worker."""

    def __init__(self, connector: BaseConnector, database: Database) -> None:
        super().__init__(connector)
        self._database = database
        self._taken: deque[Job] = deque()
        self._count = 1

    async def fetch_job(self, queues: Iterable[str] | None, worker_id: int) -> Job | None:
        """Give a job that this worker is to run now; more are asked for while there are many."""
        if not self._taken:
            names = None if queues is None else list(queues)
            row = {"queues": names, "worker_id": worker_id, "count": self._count}
            try:
                jobs = await self._database.ask(lambda connection: _fetched(connection, row))
            except StoreUnavailable as error:
                raise ConnectorException from error
            self._count = min(MOST, 2 * self._count) if len(jobs) == self._count else 1
            self._taken.extend(jobs)
        return self._taken.popleft() if self._taken else None

    async def finish_job(self, job: Job, status: Status, delete_job: bool) -> None:
        """End a job, in a commit that it shares with everything else that is written."""
        if not delete_job:
            return await super().finish_job(job, status, delete_job)
        try:
            await self._database.write((DROP, [{"job": job.id}]))
        except StoreUnavailable as error:
            raise ConnectorException from error

    def given_back(self) -> list[Job]:
        """Give the jobs that were taken and not begun."""
        jobs, self._taken = list(self._taken), deque()
        return jobs


def _fetched(connection: Connection, row: dict[str, Any]) -> list[Job]:
    return [Job.from_row(dict(one)) for one in connection.execute(_FETCH, row).mappings()]
