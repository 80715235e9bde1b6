"""The description of the API (OpenAPI 3), which every page of the docs reads."""

from functools import lru_cache
from typing import Any

from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.views import (
    SpectacularJSONAPIView,
    SpectacularRedocView,
    SpectacularSwaggerView,
    SpectacularYAMLAPIView,
)
from rest_framework.request import Request


class OnceGenerator(SchemaGenerator):
    """Looks at the views once per process: the description changes with the code alone."""

    def get_schema(self, request: Request | None = None, public: bool = False) -> Any:
        """Return the whole description, whoever asks."""
        return _description()


@lru_cache(maxsize=1)
def _description() -> Any:
    generator: Any = SchemaGenerator()  # type: ignore[no-untyped-call]
    return generator.get_schema(request=None, public=True)


class Json(SpectacularJSONAPIView):
    """`/v1/openapi.json`"""

    generator_class = OnceGenerator


class Yaml(SpectacularYAMLAPIView):
    """`/v1/openapi.yaml`"""

    generator_class = OnceGenerator


class Swagger(SpectacularSwaggerView):
    """`/docs`"""

    url_name = "openapi"


class Redoc(SpectacularRedocView):
    """`/redoc`, on a page of our own: the packaged one loads fonts from elsewhere."""

    template_name = "openledger/redoc.html"
    url_name = "openapi"
