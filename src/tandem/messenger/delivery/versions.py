"""Which version of each template a sending was made of."""

from tandem.messenger.delivery.models import SendingTemplate


def versions_of(account_id: int, sending_id: int) -> dict[int, int]:
    """Template -> the version frozen when the list was taken."""
    rows = SendingTemplate.objects.filter(account_id=account_id, sending_id=sending_id)
    return dict(rows.values_list("template_id", "version_id"))
