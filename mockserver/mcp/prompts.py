"""Prompts: tasks that a user can start by name."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PromptEntry:
    """A prompt. `arguments` are names with descriptions, all required; `text` has their places in braces."""

    name: str
    title: str
    description: str
    arguments: dict[str, str]
    text: str


PROMPTS = {
    prompt.name: prompt
    for prompt in (
        PromptEntry(
            "mock_service",
            "Mock a service",
            "Write a scenario for an external service, from its OpenAPI document or a description.",
            {"service": "OpenAPI document, its path, or a description of the service and its requests."},
            "Mock this service with mockserver:\n\n{service}\n\n"
            "1. Read the reference with read_reference: scenario-reference, then what you need of the other pages.\n"
            "2. Write one scenario with a route for each operation, a realistic reply, and an `effect` for each operation "
            "that changes something at the service. For a file with an OpenAPI document, `mockserver import openapi FILE` "
            "creates a first version.\n"
            "3. Load it with put_scenario, and correct what its errors name.\n"
            "4. Check a request of each operation with explain_request.\n"
            "5. Show me the scenario as a file for the folder scenarios/, and the URL that server_status returns.",
        ),
        PromptEntry(
            "fix_unmatched",
            "Fix unmatched requests",
            "Find requests that no route answered, and correct the routes or the application.",
            {},
            "Look at list_unmatched. For each request, say whether the application or the scenario is wrong: compare the "
            "nearest route and its differences. Where the scenario is wrong, correct it with change_route or add_route, and "
            "check it with explain_request. Where the application is wrong, show me the code to change. Don't add a route "
            "that hides a wrong request.",
        ),
        PromptEntry(
            "check_retries",
            "Check the retries of a client",
            "Make a route fail, and check the retries of the application.",
            {"route": "Id or name of the route, or its request line."},
            "Check how my application retries calls of {route}. Look at the route with get_route, let it fail twice with "
            "change_route (reply: [503, 503, …] and then its present reply), and ask me to run the application. Then read "
            "list_attempts, and check with verify_calls: the number of attempts, the same body and idempotency key, growing "
            "gaps, and that each effect happened once. At the end, put the route back with reset (what: routes).",
        ),
    )
}
