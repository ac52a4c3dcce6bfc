"""Work on files handed in, in the background."""

from procrastinate.contrib.django import app

from tandem.kit import clock


@app.task(queue="planner", name="planner.modelling.take_in")
def take_in(account_id: int, key: str) -> None:
    """Try or import one file; what it is to do stands with the file."""
    from tandem.planner.modelling import intake

    intake.work(account_id, key, clock=clock.from_environment())
