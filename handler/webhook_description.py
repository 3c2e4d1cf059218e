"""The OpenAPI 3.1 description of the requests that the webhook sends to the operator's server."""

from typing import Any

from handler.webhook import EVENT_TYPES

SUMMARIES = {
    "completed": "An analysis has ended with a result. Ask GET /status for it.",
    "failed": "An analysis has ended without a result. GET /status says why.",
}
HEADERS = {
    "webhook-id": "The same whenever an event is sent again.",
    "webhook-timestamp": "When this request was sent, in Unix seconds.",
    "webhook-signature": "`v1,` and the base64 of HMAC-SHA256 of `id.timestamp.body`.",
}


def describe_webhooks() -> dict[str, Any]:
    """Return the object ``webhooks`` of an OpenAPI document: the requests that the webhook sends.

    Each key is a type of event, such as ``analysis.completed``; its value describes the request.
    """
    return {
        event_type: {
            "post": {
                "operationId": event_type.replace(".", "_"),
                "summary": SUMMARIES[state],
                "security": [],
                "parameters": [
                    {
                        "name": name,
                        "in": "header",
                        "required": True,
                        "description": description,
                        "schema": {"type": "string"},
                    }
                    for name, description in HEADERS.items()
                ],
                "requestBody": {
                    "required": True,
                    "content": {"application/json": {"schema": _describe_event(state)}},
                },
                "responses": {
                    "2XX": {"description": "Taken. After any other answer it is sent again."}
                },
            }
        }
        for state, event_type in EVENT_TYPES.items()
    }


def _describe_event(state: str) -> dict[str, Any]:
    time = {"type": "string", "format": "date-time"}
    data = {
        "analysis_id": {"type": "string", "pattern": "^[0-9a-f]{32}$"},
        "status": {"const": state},
        "created_at": time,
    }
    properties = {
        "type": {"const": EVENT_TYPES[state]},
        "timestamp": {**time, "description": "When the analysis ended."},
        "version": {"type": "string", "description": "The API's version."},
        "data": {
            "type": "object",
            "properties": data,
            "required": list(data),
            "additionalProperties": False,
        },
    }
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }
