"""Credentials for schemathesis: people's routes get a session, device's routes a signature over the request as it is sent."""

import json
import os
import urllib.parse

import requests.auth
import schemathesis
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from shop import Device

TOLD = json.loads(os.environ["HOLDFAST_API_TEST"])


class Signer(Device):
    def __init__(self):
        self.id = TOLD["device"]
        self.key = load_pem_private_key(TOLD["key"].encode(), None)


class SignsLikeADevice(requests.auth.AuthBase):
    signer = Signer()

    def __call__(self, request):
        url = urllib.parse.urlsplit(request.url)
        target = f"{url.path}?{url.query}" if url.query else url.path
        body = request.body or b""
        request.headers.update(self.signer.sign(request.method, target, body.encode() if isinstance(body, str) else body))
        return request


class HasASession(requests.auth.AuthBase):
    def __call__(self, request):
        request.headers["Authorization"] = f"Bearer {TOLD['token']}"
        return request


def schemes(context):
    return [name for scheme in context.operation.definition.raw.get("security", []) for name in scheme]


def is_for_devices(context):
    return schemes(context) == ["device_signature"]


def is_for_people(context):
    return "session" in schemes(context)


# Whoever has no session is nobody, and signs nothing either.
if TOLD["token"]:
    schemathesis.auth.set_from_requests(SignsLikeADevice()).apply_to(is_for_devices)
    schemathesis.auth.set_from_requests(HasASession()).apply_to(is_for_people)


def plain(value):
    """What HTTP does not allow in a header never reaches the interface; a space stands for it."""
    return "".join(letter if letter >= " " and letter != "\x7f" else " " for letter in value) if isinstance(value, str) else value


def whole(value):
    """To a schema 8.0 is a whole number; the interface takes it written as 8 only."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, dict):
        return {name: whole(member) for name, member in value.items()}
    return [whole(member) for member in value] if isinstance(value, list) else value


@schemathesis.hook
def before_call(context, case, kwargs):
    """Long polls are cut short: how long a server waits is none of this test's questions."""
    wait = str((case.query or {}).get("wait_ms", ""))
    if wait.isdecimal() and 10 < int(wait) <= 10_000:
        case.query["wait_ms"] = 10
    if isinstance(case.body, (dict, list)):
        case.body = whole(case.body)
    for name, value in list((case.headers or {}).items()):
        case.headers[name] = plain(value)
    # Half of the well-formed names are those of what is there, so that not every answer is a 404. The device that signs
    # and the people who ask are left alone.
    parameters = case.path_parameters or {}
    name = parameters.get("id")
    if name in TOLD["staff"]:
        parameters["id"] = name = TOLD["colleague"]
    if "/people/" not in case.path and isinstance(name, str) and (name == TOLD["device"] or len(name) == 36 and name[-1] in "02468ace"):
        parameters["id"] = TOLD["payment" if "/payments/" in case.path else "spare"]
    if case.path == "/r/{token}" and str(parameters["token"])[-1:] in "abcdefghijklmABCDEFGHIJKLM":
        parameters["token"] = TOLD["receipt"]
