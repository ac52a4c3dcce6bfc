"""Whom a link belongs to and what their page says: sender, list, language, the sender's own words."""

from dataclasses import dataclass

from starlette.requests import Request

from tandem.messenger.accounts import service as accounts
from tandem.messenger.contacts import service as contacts
from tandem.messenger.contacts.proofs import Place
from tandem.messenger.contacts.service import finding
from tandem.messenger.delivery import service as delivery
from tandem.messenger.delivery.behind import Behind
from tandem.messenger.projects import service as projects
from tandem.messenger.subscriptions import service as subscriptions
from tandem.messenger.subscriptions.domain import chosen_language
from tandem.messenger.subscriptions.showing import Scene


@dataclass(frozen=True, kw_only=True)
class Visit:
    """Somebody with a message's link on one of its pages. places: what the person is in, by list and channel."""

    token: str
    behind: Behind
    scene: Scene
    places: tuple[Place, ...]

    @property
    def place(self) -> Place | None:
        """The list and channel of the message itself; None if the person is not in it any more."""
        wanted = (self.behind.contact_id, self.behind.channel)
        return next((one for one in self.places if (one.contact_id, one.channel) == wanted), None)


def visit(request: Request, token: str) -> Visit:
    """The visit of a request. Raises BadToken."""
    behind = delivery.behind_token(token)
    project_id = projects.get_trigger(behind.account_id, behind.template_id).project_id
    settings = subscriptions.page_for(behind.account_id, project_id=project_id, list_id=behind.list_id)
    known = behind.contact_id is not None
    attribute, country = (
        contacts.language_of(behind.account_id, behind.contact_id) if behind.contact_id else ("", "")
    )
    scene = Scene(
        language=chosen_language(
            asked=request.query_params.get("lang", "")[:12],
            attribute=attribute,
            country=country,
            header=request.headers.get("accept-language", ""),
            usual=settings.language,
        ),
        sender=accounts.get_account(behind.account_id).name,
        list_name=finding.name_of_list(behind.list_id),
        channel=behind.channel,
        settings=settings,
        preferences=f"/p/{token}" if known else "",
    )
    places = contacts.places_of(behind.account_id, behind.contact_id) if behind.contact_id else ()
    return Visit(token=token, behind=behind, scene=scene, places=places)
