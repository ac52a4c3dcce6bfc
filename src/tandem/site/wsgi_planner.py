"""The planner under a WSGI server."""

import os

from django.core.wsgi import get_wsgi_application

os.environ["DJANGO_SETTINGS_MODULE"] = "tandem.site.settings.planner"
application = get_wsgi_application()
