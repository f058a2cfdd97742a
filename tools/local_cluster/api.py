"""The few operator calls a script needs, over plain HTTP."""

import http.client
import json

TIMEOUT_S = 5


def health(address):
    """True when the daemon at host:port says it is healthy."""
    connection = http.client.HTTPConnection(address, timeout=TIMEOUT_S)
    try:
        connection.request("GET", "/health")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def call(address, kind):
    """The answer to a v1 operator call, or None while nobody answers."""
    connection = http.client.HTTPConnection(address, timeout=TIMEOUT_S)
    headers = {"Content-Type": "application/json", "Accept": "application/json"}
    try:
        connection.request("POST", "/api/v1", json.dumps({"type": kind}), headers)
        response = connection.getresponse()
        body = response.read()
        return json.loads(body) if response.status == 200 else None
    except (OSError, http.client.HTTPException, ValueError):
        return None
    finally:
        connection.close()


def active_agents(address):
    answer = call(address, "GET_AGENTS")
    agents = (answer or {}).get("get_agents", {}).get("agents", [])
    return sum(1 for agent in agents if agent.get("active"))
