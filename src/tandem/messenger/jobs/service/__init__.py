"""Verbs of generation jobs."""

from tandem.messenger.jobs.service.declare import create_job, get_job
from tandem.messenger.jobs.service.generate import run_job, run_waiting
from tandem.messenger.jobs.service.look import list_jobs, progress
from tandem.messenger.jobs.service.receive import upload

__all__ = ["create_job", "get_job", "list_jobs", "progress", "run_job", "run_waiting", "upload"]
