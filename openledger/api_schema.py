"""How one endpoint is described: what its view says of itself, and what all endpoints have in common.

The view's own class attributes (whether it needs a company, takes a token, only reads) decide which shared
parameters and errors its description refers to, so that no view repeats them and none can forget them.
"""

from copy import deepcopy
from typing import Any, Final

from drf_spectacular.drainage import set_override
from drf_spectacular.openapi import AutoSchema

from ledger.api.fields import IdField, RequestField
from ledger.api.schema import ErrorBody, MessageShape, example_id
from ledger.api.serializers import RequestListSerializer
from ledger.api.views import ApiView
from ledger.ids import Prefix
from openledger import api_components as shared

# The second address of the same view; an operation's id must be unique.
SECOND_ADDRESSES: Final = {
    "/v1/developers/auth/generate-token": "generateDeveloperToken",
    "/v1/entities/auth/generate-token": "generateEntityToken",
}
# The kind of the id that follows a word, or two, in an address.
ID_AFTER: Final = {
    "accounts": Prefix.ACCOUNT,
    "import": Prefix.IMPORT,
    "api-keys": Prefix.API_KEY,
    "transactions": Prefix.TRANSACTION,
    "journal-entries": Prefix.JOURNAL_ENTRY,
    "banks/accounts": Prefix.BANK_ACCOUNT,
    "lines": Prefix.BANK_LINE,
    "statements": Prefix.IMPORT,
    "tasks": Prefix.TASK,
    "reconciliations": Prefix.RECONCILIATION,
    "rules": Prefix.RULE,
    "suggestions": Prefix.SUGGESTION,
    "suggest-categories": Prefix.ENTITY,
    "ai": Prefix.ENTITY,
}
_DONE: Final = {"200": "Done.", "201": "Made.", "202": "Taken up.", "204": "Done; there is no body."}
# What an answer is when its `format` is asked for by one of these words.
FILE_TYPES: Final = {
    "pdf": "application/pdf",
    "csv": "text/csv",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "svg": "image/svg+xml",
    "png": "image/png",
}
_SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})


class ApiSchema(AutoSchema):
    """Describes the views that derive from ApiView."""

    view: ApiView  # type: ignore[override]

    def get_operation(self, *args: Any, **kwargs: Any) -> Any:
        """Return the description of one method of one address."""
        operation: Any = super().get_operation(*args, **kwargs)
        if operation is not None:
            self._say_what_ids_are(operation)
            if "requestBody" in operation:
                request = self.get_request_serializer()
                if isinstance(request, dict) or getattr(request, "schema_rules", None):
                    operation["requestBody"]["required"] = True
            operation["operationId"] = SECOND_ADDRESSES.get(self.path, operation["operationId"])
            self._say_which_files(operation)
            self._share_parameters(operation)
            self._share_responses(operation)
        return operation

    def get_serializer_name(self, serializer: Any, direction: Any) -> str:
        """Return the shape's name without the suffixes that tell shapes apart in the code alone."""
        name = str(super().get_serializer_name(serializer, direction)).lstrip("_")
        for suffix in ("Out", "Shape", "Input", *(["Body"] if direction == "request" else [])):
            name = name.removesuffix(suffix)
        return name

    def _map_serializer_field(self, field: Any, *args: Any, **kwargs: Any) -> Any:
        if isinstance(field, RequestField):
            # The base class writes into lists of what it gets, which all fields of one class share.
            set_override(field, "field", deepcopy(field.schema))
        schema: Any = super()._map_serializer_field(field, *args, **kwargs)  # type: ignore[no-untyped-call]
        if isinstance(field, RequestListSerializer):
            bounds: Any = field
            schema |= {"minItems": bounds.min_length, "maxItems": bounds.max_length}
        return schema

    def _map_basic_serializer(self, serializer: Any, *args: Any, **kwargs: Any) -> Any:
        schema: Any = super()._map_basic_serializer(serializer, *args, **kwargs)  # type: ignore[no-untyped-call]
        return schema | deepcopy(getattr(serializer, "schema_rules", {}))

    @property
    def _takes_token(self) -> bool:
        return bool(self.view.authentication_classes)

    @property
    def _writes(self) -> bool:
        return self.method not in _SAFE_METHODS and not self.view.reads_only

    def _say_what_ids_are(self, operation: Any) -> None:
        steps = self.path.split("/")
        for parameter in operation.get("parameters", []):
            if parameter["in"] != "path":
                continue
            place = steps.index(f"{{{parameter['name']}}}")
            before = "/".join(steps[place - 2 : place])
            prefix = ID_AFTER.get(before) or ID_AFTER.get(steps[place - 1])
            if prefix is not None:
                field = IdField(prefix)
                parameter["schema"] = dict(field.schema)
                parameter["example"] = example_id(field.prefix)
                parameter.setdefault("description", f"It begins with `{field.prefix}_`.")

    def _say_which_files(self, operation: Any) -> None:
        """Add to an answer in JSON what else it can be, where a parameter `format` chooses."""
        for parameter in operation.get("parameters", []):
            words = parameter["schema"].get("enum", []) if parameter["name"] == "format" else []
            if "json" in words:
                operation["responses"]["200"]["content"] |= {
                    FILE_TYPES[word]: {"schema": {"type": "string", "format": "binary"}}
                    for word in words
                    if word in FILE_TYPES
                }

    def _share_parameters(self, operation: Any) -> None:
        own = operation.get("parameters", [])
        names = {parameter["name"] for parameter in own}
        common = []
        if (self.view.needs_entity and self.view.entity_in_path is None) or "entityId" in names:
            common += ["EntityIdQuery", "EntityIdHeader"]
        if self._writes and self._takes_token:
            common.append("IdempotencyKey")
        if "204" in operation["responses"]:
            common.append("Prefer")
        taken = {shared.PARAMETERS[name]["name"] for name in common}
        kept = [parameter for parameter in own if parameter["name"] not in taken]
        parameters = kept + [shared.parameter(name) for name in common]
        if parameters:
            operation["parameters"] = parameters

    def _share_responses(self, operation: Any) -> None:
        responses = operation["responses"]
        if "204" in responses and "200" not in responses:
            shape = self.resolve_serializer(MessageShape, "response")
            responses["200"] = {
                "description": "Done, for callers that prefer a representation.",
                "content": {
                    "application/json": {"schema": shape.ref, "example": {"message": "It was deleted."}}
                },
            }
        own_errors = {status for status in responses if status >= "400"}
        done = {status: response for status, response in responses.items() if status < "400"}
        for status, response in done.items():
            response["description"] = response.get("description") or _DONE[status]
            more = ["Idempotent-Replayed"] if self._writes and self._takes_token else []
            response["headers"] = shared.response_headers(*more) | response.get("headers", {})
        self.resolve_serializer(ErrorBody, "response")  # which the shared errors refer to
        errors = sorted(own_errors | self._errors(operation.get("parameters", [])))
        operation["responses"] = {
            **dict(sorted(done.items())),
            **{status: shared.error(status) for status in errors},
        }

    def _errors(self, parameters: list[Any]) -> set[str]:
        """The statuses of the errors that the shared machinery can answer with."""
        statuses = {"400", "429", "500"}
        if self._takes_token:
            statuses |= {"401", "403", "409"}
        if shared.parameter("EntityIdQuery") in parameters or "{" in self.path:
            statuses.add("404")
        if self.method not in _SAFE_METHODS:
            statuses |= {"413", "415"}
        if self._writes and self._takes_token:
            statuses.add("422")
        return statuses
