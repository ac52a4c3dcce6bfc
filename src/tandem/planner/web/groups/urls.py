"""Addresses of the target groups' pages, under /ui/groups."""

from django.urls import path

from tandem.planner.web.groups import views

urlpatterns = [
    path("", views.groups, name="groups"),
    path("/new", views.new, name="group-new"),
    path("/<int:group_id>/priority", views.move, name="group-priority"),
    path("/<int:group_id>", views.edit, name="group-edit"),
]
