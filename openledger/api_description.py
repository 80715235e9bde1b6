"""The description of the API (OpenAPI 3.1), which every page of the docs reads.

`openledger.api_schema` describes one endpoint, `openledger.api_hooks` completes the whole, and
`docs/api.md` tells how to add to it.
"""

import json
from functools import lru_cache
from typing import Any, ClassVar

from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.renderers import OpenApiJsonRenderer
from drf_spectacular.views import (
    SpectacularJSONAPIView,
    SpectacularRedocView,
    SpectacularSwaggerView,
    SpectacularYAMLAPIView,
)
from rest_framework.request import Request

from ledger.api.renderers import Negotiation


class OnceGenerator(SchemaGenerator):
    """Looks at the views once per process: the description changes with the code alone."""

    def get_schema(self, request: Request | None = None, public: bool = False) -> Any:
        """Return the whole description, whoever asks."""
        return description()


@lru_cache(maxsize=1)
def description() -> Any:
    """Return the description of the whole API; treat it as read-only."""
    return generate()


def generate() -> Any:
    """Return the description as the code is now, in plain JSON values; prints warnings to standard error."""
    generator: Any = SchemaGenerator()  # type: ignore[no-untyped-call]
    generated = generator.get_schema(request=None, public=True)
    return json.loads(OpenApiJsonRenderer().render(generated, renderer_context={}))


class Json(SpectacularJSONAPIView):
    """`/v1/openapi.json`"""

    content_negotiation_class = Negotiation
    generator_class = OnceGenerator


class Yaml(SpectacularYAMLAPIView):
    """`/v1/openapi.yaml`"""

    content_negotiation_class = Negotiation
    generator_class = OnceGenerator


class Page:
    """Mixin of the pages of the docs: they load nothing from elsewhere, and browsers are told so.

    Their packaged scripts know pictures and validators on other machines; the policy stops those, too.
    """

    policy: ClassVar[str] = (
        "default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; "
        "img-src 'self' data:; worker-src 'self' blob:; object-src 'none'; base-uri 'self'; "
        "form-action 'self'; frame-ancestors 'none'"
    )

    def finalize_response(self, *args: Any, **kwargs: Any) -> Any:
        """Add the policy to the page."""
        response: Any = super().finalize_response(*args, **kwargs)  # type: ignore[misc]
        response["Content-Security-Policy"] = self.policy
        return response


class Swagger(Page, SpectacularSwaggerView):
    """`/docs`"""

    url_name = "openapi"


class Redoc(Page, SpectacularRedocView):
    """`/redoc`, on a page of our own: the packaged one loads fonts from elsewhere."""

    template_name = "openledger/redoc.html"
    url_name = "openapi"
