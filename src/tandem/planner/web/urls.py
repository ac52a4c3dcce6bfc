"""Addresses of the planner's pages, under /ui/."""

from django.urls import URLPattern, URLResolver, include, path

from tandem.planner.web.alarms import views as alarms
from tandem.planner.web.campaigns import occurrence
from tandem.planner.web.campaigns import views as campaigns
from tandem.planner.web.channel_templates import testing
from tandem.planner.web.channel_templates import views as templates
from tandem.planner.web.connections import views as connections
from tandem.planner.web.customers import rights
from tandem.planner.web.customers import views as customers
from tandem.planner.web.cycle import views as cycle
from tandem.planner.web.discoveries import views as discoveries
from tandem.planner.web.learned import views as learned
from tandem.planner.web.listeners import views as listeners
from tandem.planner.web.overview import views as overview
from tandem.planner.web.realtime import views as realtime
from tandem.planner.web.segments import views as segment_pages
from tandem.planner.web.session import views as session
from tandem.planner.web.settings import keys, segments, stages
from tandem.planner.web.settings import views as settings

urlpatterns: list[URLPattern | URLResolver] = [
    path("", overview.overview, name="overview"),
    path("sign-in", session.sign_in, name="sign-in"),
    path("sign-out", session.sign_out, name="sign-out"),
    path("alarms", alarms.alarms, name="alarms"),
    path("alarms/act", alarms.act, name="alarms-act"),
    path("runbook/<slug:kind>", alarms.runbook, name="runbook"),
    path("customers", customers.customers, name="customers"),
    path("customers/import", customers.upload, name="import-new"),
    path("customers/import/<str:key>", customers.mapping, name="import"),
    path("customers/import/<str:key>/progress", customers.progress, name="import-progress"),
    path("customers/import/<str:key>/errors", customers.rejected_rows, name="import-errors"),
    path("customers/imports/<int:import_id>/errors", customers.old_rejected_rows, name="imported-errors"),
    path("customers/person", customers.find, name="customer-find"),
    path("customers/person/<path:customer_id>", customers.person, name="customer"),
    path("customers/forget", customers.forget, name="customer-forget"),
    path("customers/attributes", rights.dictionary, name="attributes"),
    path("customers/objection", rights.objection, name="profiling-objection"),
    path("discoveries", discoveries.discoveries, name="discoveries"),
    path("discoveries/ask", discoveries.ask, name="discoveries-ask"),
    path("discoveries/<int:run_id>", discoveries.search, name="discoveries-search"),
    path("discoveries/group/<int:discovery_id>", discoveries.make_group, name="discovery-group"),
    path("discoveries/dismiss/<int:discovery_id>", discoveries.dismiss, name="discovery-dismiss"),
    path("discoveries/undo/<int:dismissed_id>", discoveries.undo, name="discovery-undo"),
    path("connections", connections.connections, name="connections"),
    path("connections/new", connections.new, name="connection-new"),
    path("connections/channels/new", connections.new_channel, name="channel-new"),
    path("connections/<int:connection_id>", connections.connection, name="connection"),
    path("connections/<int:connection_id>/test", connections.test, name="connection-test"),
    path("connections/listeners/<int:listener_id>/test", connections.test_listener, name="listener-test"),
    path("templates", templates.templates, name="templates"),
    path("templates/read", templates.read, name="templates-read"),
    path("templates/<int:connection_id>/<int:template_id>", templates.template, name="template"),
    path("templates/<int:connection_id>/<int:template_id>/frame", templates.frame, name="template-frame"),
    path("templates/<int:connection_id>/<int:template_id>/facts", templates.facts, name="template-facts"),
    path("templates/<int:connection_id>/<int:template_id>/sample", templates.survey, name="template-sample"),
    path("templates/<int:connection_id>/<int:template_id>/test", testing.test, name="template-test"),
    path("campaigns", campaigns.campaigns, name="campaigns"),
    path("campaigns/new", campaigns.plan, name="campaign-new"),
    path("campaigns/<int:campaign_id>", occurrence.campaign, name="campaign"),
    path("campaigns/<int:campaign_id>/edit", campaigns.change, name="campaign-edit"),
    path("campaigns/<int:campaign_id>/<str:verb>", occurrence.act, name="campaign-act"),
    path("real-time", realtime.campaigns, name="real-time"),
    path("real-time/new", realtime.new, name="real-time-new"),
    path("real-time/<int:real_time_id>", realtime.campaign, name="real-time-campaign"),
    path("real-time/<int:real_time_id>/edit", realtime.change, name="real-time-edit"),
    path("real-time/<int:real_time_id>/act", realtime.act, name="real-time-act"),
    path("models", learned.models, name="models"),
    path("models/<slug:model>", learned.backtest, name="backtest"),
    path("models/<slug:model>/<slug:name>.csv", learned.table, name="backtest-table"),
    path("segments", segment_pages.segments, name="segments-page"),
    path("segments/<slug:name>.csv", segment_pages.table, name="segments-table"),
    path("cycle", cycle.show, name="cycle"),
    path("cycle/run", cycle.run, name="cycle-run"),
    path("settings", settings.settings, name="settings"),
    path("settings/stages", stages.stages, name="stages"),
    path("settings/segments", segments.segments, name="segments"),
    path("settings/credentials", settings.make_credential, name="credential-new"),
    path(
        "settings/credentials/<int:credential_id>/disable",
        settings.disable_credential,
        name="credential-disable",
    ),
    path("settings/credentials/<int:credential_id>", keys.key, name="credential"),
    path("settings/credentials/<int:credential_id>/rotate", keys.rotate, name="credential-rotate"),
    path("listeners", listeners.listeners, name="listeners"),
    path("listeners/log", listeners.log, name="event-log"),
    path("listeners/log/replay", listeners.replay, name="event-replay"),
    path("listeners/<int:listener_id>/<str:verb>", listeners.act, name="listener-act"),
    path("settings/users", settings.make_user, name="user-new"),
    path("groups", include("tandem.planner.web.groups.urls")),
]
