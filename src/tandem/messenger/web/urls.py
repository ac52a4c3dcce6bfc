"""Addresses of the messenger's pages, all under /ui/."""

from django.urls import path

from tandem.messenger.web.alarms import views as alarms
from tandem.messenger.web.bounces import replies
from tandem.messenger.web.bounces import views as bounces
from tandem.messenger.web.contacts import importing, people
from tandem.messenger.web.contacts import making as list_making
from tandem.messenger.web.contacts import pages as unsubscribe_pages
from tandem.messenger.web.contacts import views as contacts
from tandem.messenger.web.dkim import views as dkim
from tandem.messenger.web.eventhub import views as eventhub
from tandem.messenger.web.exports import views as exports
from tandem.messenger.web.jobs import views as jobs
from tandem.messenger.web.listener import views as listener
from tandem.messenger.web.outbox import views as outbox
from tandem.messenger.web.overview import views as overview
from tandem.messenger.web.pacing import views as pacing
from tandem.messenger.web.projects import editor, making, snippets
from tandem.messenger.web.projects import views as projects
from tandem.messenger.web.record import views as record
from tandem.messenger.web.sendings import doubt
from tandem.messenger.web.sendings import views as sendings
from tandem.messenger.web.session import views as session
from tandem.messenger.web.settings import counting
from tandem.messenger.web.settings import views as settings
from tandem.messenger.web.sms import views as sms
from tandem.messenger.web.testsends import views as testsends
from tandem.messenger.web.webhooks import gates
from tandem.messenger.web.webhooks import views as webhooks

_VERSION = "projects/triggers/<int:trigger_id>/versions/<int:version_id>"

urlpatterns = [
    path("", overview.overview, name="overview"),
    path("sign-in", session.sign_in, name="sign-in"),
    path("sign-out", session.sign_out, name="sign-out"),
    path("alarms", alarms.alarms, name="alarms"),
    path("alarms/act", alarms.act, name="alarms-act"),
    path("runbook/<slug:kind>", alarms.runbook, name="runbook"),
    path("projects", projects.project_list, name="projects"),
    path("projects/new", making.new_project, name="project-new"),
    path("projects/<int:project_id>", projects.project, name="project"),
    path("projects/<int:project_id>/change", snippets.change_project, name="project-change"),
    path("projects/<int:project_id>/archive", making.archive_project, name="project-archive"),
    path("projects/<int:project_id>/new-trigger", making.new_trigger, name="trigger-new"),
    path("snippets", snippets.snippets, name="snippets"),
    path("snippets/<int:snippet_id>", snippets.snippet, name="snippet"),
    path("projects/triggers/<int:trigger_id>", projects.trigger, name="trigger"),
    path("projects/triggers/<int:trigger_id>/change", making.change_trigger, name="trigger-change"),
    path("projects/triggers/<int:trigger_id>/archive", making.archive_trigger, name="trigger-archive"),
    path("projects/triggers/<int:trigger_id>/new", editor.edit, name="version-new"),
    path(_VERSION, projects.version, name="version"),
    path(f"{_VERSION}/frame", projects.frame, name="version-frame"),
    path(f"{_VERSION}/activate", projects.activate, name="version-activate"),
    path("lists", contacts.lists, name="lists"),
    path("lists/new", list_making.new_list, name="list-new"),
    path("lists/<int:list_id>/import", importing.upload, name="list-import"),
    path("lists/<int:list_id>/imports/<int:batch_id>", importing.plan, name="import-plan"),
    path("lists/<int:list_id>/imports/<int:batch_id>/refused", importing.refused, name="import-refused"),
    path(
        "lists/<int:list_id>/unsubscribe-page",
        unsubscribe_pages.unsubscribe_page,
        name="list-unsubscribe-page",
    ),
    path(
        "lists/<int:list_id>/unsubscribe-page/preview",
        unsubscribe_pages.preview,
        name="list-unsubscribe-preview",
    ),
    path(
        "projects/<int:project_id>/unsubscribe-page",
        unsubscribe_pages.unsubscribe_page,
        name="project-unsubscribe-page",
    ),
    path(
        "projects/<int:project_id>/unsubscribe-page/preview",
        unsubscribe_pages.preview,
        name="project-unsubscribe-preview",
    ),
    path("settings/unsubscribe-page", unsubscribe_pages.unsubscribe_page, name="account-unsubscribe-page"),
    path("settings/unsubscribe-page/preview", unsubscribe_pages.preview, name="account-unsubscribe-preview"),
    path("lists/<int:list_id>", contacts.one_list, name="list"),
    path("lists/<int:list_id>/contacts/<str:original_id>", people.contact, name="contact"),
    path(
        "lists/<int:list_id>/contacts/<str:original_id>/unsubscribe",
        people.unsubscribe,
        name="contact-unsubscribe",
    ),
    path(
        "lists/<int:list_id>/contacts/<str:original_id>/consent.<str:shape>",
        people.consent_file,
        name="contact-consent",
    ),
    path("suppressions", contacts.suppressions, name="suppressions"),
    path("suppressions/<int:suppression_id>/lift", contacts.lift, name="suppression-lift"),
    path(
        "lists/<int:list_id>/contacts/<str:original_id>/lift-bounce",
        bounces.lift,
        name="contact-bounce-lift",
    ),
    path("bounces", bounces.bounces, name="bounces"),
    path("bounces/replies", replies.replies, name="replies"),
    path("bounces/replies/forward", replies.forward, name="replies-forward"),
    path("bounces/replies/<int:reply_id>", replies.reply, name="reply"),
    path("bounces/replies/<int:reply_id>/act", replies.act, name="reply-act"),
    path("bounces/quarantine", bounces.quarantine, name="quarantine"),
    path("bounces/quarantine/<int:mail_id>", bounces.mail, name="quarantined-mail"),
    path("bounces/quarantine/<int:mail_id>/act", bounces.act, name="quarantined-mail-act"),
    path("record", record.person, name="record"),
    path("record/file", record.person_file, name="record-file"),
    path("sendings/<int:sending_id>/file", record.sending_file, name="sending-file"),
    path("sendings", sendings.sendings, name="sendings"),
    path("sendings/hold", sendings.hold, name="sendings-hold"),
    path("sendings/<int:sending_id>", sendings.sending, name="sending"),
    path("sendings/<int:sending_id>/act", sendings.act, name="sending-act"),
    path("sendings/<int:sending_id>/policy", doubt.choose, name="sending-policy"),
    path("settings/policy", doubt.choose_default, name="policy"),
    path("jobs", jobs.jobs, name="jobs"),
    path("jobs/<int:job_id>", jobs.job, name="job"),
    path("exports", exports.exports, name="exports"),
    path("exports/<int:export_id>/download", exports.download, name="export-download"),
    path("webhooks", webhooks.overview, name="webhooks"),
    path("webhooks/new", webhooks.new, name="webhook-new"),
    path("webhooks/gates/new", gates.new, name="gate-new"),
    path("webhooks/gates/<int:gate_id>", gates.gate, name="gate"),
    path("webhooks/gates/<int:gate_id>/remove", gates.remove, name="gate-remove"),
    path("webhooks/event-hub", eventhub.event_hub, name="event-hub"),
    path("webhooks/event-hub/act", eventhub.act, name="event-hub-act"),
    path("webhooks/<int:webhook_id>", webhooks.webhook, name="webhook"),
    path("webhooks/<int:webhook_id>/act", webhooks.act, name="webhook-act"),
    path("listener", listener.listener, name="listener"),
    path("listener/act", listener.act, name="listener-act"),
    path("sms", sms.inbox, name="sms"),
    path("sms/<int:incoming_id>/act", sms.act, name="sms-act"),
    path("sms/settings", sms.settings, name="sms-settings"),
    path("sms/settings/gateway", sms.gateway, name="sms-gateway"),
    path("sms/settings/rules", sms.rules, name="sms-rules"),
    path("outbox", outbox.outbox, name="outbox"),
    path("outbox/<str:channel>/<str:name>", outbox.message, name="outbox-message"),
    path("outbox/<str:channel>/<str:name>/frame", outbox.frame, name="outbox-frame"),
    path("outbox/<str:channel>/<str:name>/raw", outbox.raw, name="outbox-raw"),
    path(f"{_VERSION}/test", testsends.send, name="version-test"),
    path("tests", testsends.written, name="test-messages"),
    path("tests/<str:channel>/<str:name>", outbox.test_message, name="test-message"),
    path("tests/<str:channel>/<str:name>/frame", outbox.test_frame, name="test-message-frame"),
    path("settings/test-addresses", testsends.addresses, name="test-addresses"),
    path("settings", settings.settings, name="settings"),
    path("settings/counting", counting.switch, name="counting"),
    path("settings/api-users", settings.api_users, name="api-users"),
    path("settings/pacing", pacing.pacing, name="pacing"),
    path("settings/dkim", dkim.dkim, name="dkim"),
]
