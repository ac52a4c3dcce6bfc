"""Whose mailboxes the contacts' domains are, asked for once a night where mail really leaves."""

from django.conf import settings
from procrastinate.contrib.django import app

from tandem.kit import clock

REACHING = {"smtp", "kumomta"}
#: a domain with fewer contacts is not worth a question
LEAST_CONTACTS = 20


@app.periodic(cron="17 2 * * *")
@app.task(
    name="messenger.pacing.know_domains",
    queue="messenger.long",
    queueing_lock="messenger-pacing-domains",
    pass_context=False,
)
def know_domains(timestamp: int) -> None:
    """Ask for the mail exchangers of the domains most contacts have."""
    from tandem.messenger.contacts import queries
    from tandem.messenger.pacing import service

    service.learn()
    if settings.TANDEM_SENDING["TANDEM_PROVIDER"] in REACHING:
        service.look_up(queries.mail_domains(LEAST_CONTACTS), clock=clock.from_environment())
