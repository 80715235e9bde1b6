"""The API's description as a Postman collection (format 2.1).

https://schema.postman.com/collection/json/v2.1.0/draft-07/docs/index.html
"""

import json
import re
from typing import Any, Final

SCHEMA: Final = "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"
_VARIABLES: Final = {
    "baseUrl": "http://127.0.0.1:8000",
    "developerId": "",
    "apiKey": "",
    "entityId": "",
    "token": "",
}
# Ids that every request of a collection shares are read from its variables.
_SHARED: Final = {"entityId": "{{entityId}}", "developerId": "{{developerId}}", "apiKey": "{{apiKey}}"}
_METHODS: Final = ("get", "post", "put", "patch", "delete")
# Runs before each request: makes a token where there is none, or where it is about to end.
_PREREQUEST: Final = """\
const still = Number(pm.collectionVariables.get("tokenExpiresAt") || 0) - Date.now();
if (still > 60000 || !pm.collectionVariables.get("apiKey")) { return; }
pm.sendRequest({
    url: pm.collectionVariables.get("baseUrl") + "/v1/auth/tokens",
    method: "POST",
    header: {"Content-Type": "application/json"},
    body: {mode: "raw", raw: JSON.stringify({
        userType: "developer",
        id: pm.collectionVariables.get("developerId"),
        apiKey: pm.collectionVariables.get("apiKey"),
    })},
}, (error, response) => {
    if (error || response.code !== 200) { console.error(error || response.text()); return; }
    pm.collectionVariables.set("token", response.json().access_token);
    pm.collectionVariables.set("tokenExpiresAt", Date.now() + 1000 * response.json().expires_in);
});"""


def collection(description: Any) -> dict[str, Any]:
    """Return the collection of a description: a folder for each tag, a request for each operation.

    Set the variables `developerId`, `apiKey` and `entityId`; the token is then fetched by itself.
    """
    folders: dict[str, list[Any]] = {tag["name"]: [] for tag in description["tags"]}
    for path, item in description["paths"].items():
        for method in _METHODS:
            if method in item:
                operation = item[method]
                folders[operation["tags"][0]].append(_request(description, path, method, operation))
    return {
        "info": {
            "name": description["info"]["title"],
            "description": description["info"]["description"],
            "version": description["info"]["version"],
            "schema": SCHEMA,
        },
        "auth": {"type": "bearer", "bearer": [{"key": "token", "value": "{{token}}", "type": "string"}]},
        "event": [
            {
                "listen": "prerequest",
                "script": {"type": "text/javascript", "exec": _PREREQUEST.splitlines()},
            }
        ],
        "variable": [{"key": key, "value": value} for key, value in _VARIABLES.items()],
        "item": [
            {"name": tag["name"], "description": tag.get("description", ""), "item": folders[tag["name"]]}
            for tag in description["tags"]
        ],
    }


def collection_json(description: Any) -> str:
    """Return the text of the collection's file."""
    return _indented(collection(description)) + "\n"


def _request(description: Any, path: str, method: str, operation: Any) -> dict[str, Any]:
    parameters = [_resolved(description, one) for one in operation.get("parameters", [])]
    request: dict[str, Any] = {
        "method": method.upper(),
        "description": operation.get("description", ""),
        "url": _url(path, parameters),
        "header": [_entry(one) for one in parameters if one["in"] == "header"],
    }
    if not operation.get("security"):
        request["auth"] = {"type": "noauth"}
    content = operation.get("requestBody", {}).get("content", {})
    if "application/json" in content:
        request["header"].insert(0, {"key": "Content-Type", "value": "application/json"})
        request["body"] = {
            "mode": "raw",
            "raw": _indented(_with_variables(_first_example(content["application/json"]))),
            "options": {"raw": {"language": "json"}},
        }
    return {"name": operation.get("summary", operation["operationId"]), "request": request, "response": []}


def _url(path: str, parameters: list[Any]) -> dict[str, Any]:
    in_postman = re.sub(r"\{(\w+)\}", r":\1", path)
    query = [_entry(one) for one in parameters if one["in"] == "query"]
    enabled = "&".join(f"{one['key']}={one['value']}" for one in query if not one["disabled"])
    url: dict[str, Any] = {
        "raw": "{{baseUrl}}" + in_postman + (f"?{enabled}" if enabled else ""),
        "host": ["{{baseUrl}}"],
        "path": in_postman.strip("/").split("/"),
    }
    if query:
        url["query"] = query
    variables = [
        {"key": one["name"], "value": "", "description": one.get("description", "")}
        for one in parameters
        if one["in"] == "path"
    ]
    if variables:
        url["variable"] = variables
    return url


def _entry(parameter: Any) -> dict[str, Any]:
    """A query parameter or a header; those that are optional are there to be switched on."""
    name = parameter["name"]
    is_entity_query = name == "entityId" and parameter["in"] == "query"
    value = _SHARED.get(name, parameter.get("example", parameter["schema"].get("default", "")))
    return {
        "key": name,
        "value": "{{entityId}}" if name == "X-Entity-ID" else str(value),
        "description": parameter.get("description", ""),
        "disabled": not (parameter.get("required") or is_entity_query),
    }


def _first_example(content: Any) -> Any:
    if "example" in content:
        return content["example"]
    examples = list(content.get("examples", {}).values())
    return examples[0]["value"] if examples else {}


def _with_variables(body: Any) -> Any:
    if not isinstance(body, dict):
        return body
    return {name: _SHARED.get(name, value) for name, value in body.items()}


def _resolved(description: Any, node: Any) -> Any:
    if "$ref" not in node:
        return node
    *_, kind, name = node["$ref"].split("/")
    return description["components"][kind][name]


def _indented(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)
