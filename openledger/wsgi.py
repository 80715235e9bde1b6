"""The web server's entry: `granian --interface wsgi openledger.wsgi:application`."""

import os

from django.core.wsgi import get_wsgi_application

from openledger import embedded

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "openledger.settings")
embedded.start()

application = get_wsgi_application()
