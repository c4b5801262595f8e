"""A mail server that keeps what it is given, as another program understands it (Python's email package).

    sink.py DIR LINE     LINE: tls (from the first byte, with sign-in), starttls, or bare (offers no TLS at all)

Prints "port N" when it listens on the loopback. DIR/ca.pem is the root of its throw-away certificate, made now; DIR/NNNN.json is a
letter, DIR/heard.log has a line for each command. The recipient's name says how it is answered:
    refused@      550, for ever
    later-N@      451 for the first N attempts
    killed@       taken and kept, and the first time not answered: whoever sent it must think that it failed
"""

import asyncio
import email
import email.policy
import json
import os
import ssl
import sys
from collections import Counter

import trustme
from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

USER, PASSWORD = b"receipts@shop.example", b"a password of a test"


class Sink:
    def __init__(self, folder):
        self.folder = folder
        self.attempts = Counter()
        self.count = 0
        self.log = open(os.path.join(folder, "heard.log"), "a", buffering=1)

    async def handle_EHLO(self, server, session, envelope, hostname, responses):
        self.log.write("EHLO\n")
        session.host_name = hostname
        return responses

    async def handle_MAIL(self, server, session, envelope, address, options):
        self.log.write("MAIL\n")
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(self, server, session, envelope, address, options):
        name = address.split("@")[0]
        self.attempts[name] += 1
        if name == "refused":
            return f"550 5.1.1 <{address}>: there is nobody of this name"
        if name.startswith("later-") and self.attempts[name] <= int(name.removeprefix("later-")):
            return "451 4.3.0 come again"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        self.keep(session, envelope)
        name = envelope.rcpt_tos[0].split("@")[0]
        if name == "killed" and self.attempts[name] == 1:
            await asyncio.sleep(600)
        return "250 OK"

    def keep(self, session, envelope):
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        part = lambda kind: message.get_body((kind,)).get_content()
        letter = {
            "mail_from": envelope.mail_from,
            "rcpt_tos": envelope.rcpt_tos,
            "tls": session.ssl is not None,
            "signed_in": bool(session.authenticated),
            "headers": {name.lower(): str(value) for name, value in message.items()},
            "text": part("plain"),
            "html": part("html"),
            "defects": [str(defect) for p in message.walk() for defect in p.defects],
        }
        self.count += 1
        path = os.path.join(self.folder, f"{self.count:04}.json")
        with open(path + ".part", "w", encoding="utf-8") as file:
            json.dump(letter, file)
        os.rename(path + ".part", path)


def authenticate(server, session, envelope, mechanism, data):
    is_right = isinstance(data, LoginPassword) and (data.login, data.password) == (USER, PASSWORD)
    return AuthResult(success=is_right, handled=is_right)


async def main(folder, line):
    ca = trustme.CA()
    ca.cert_pem.write_to_path(os.path.join(folder, "ca.pem"))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    ca.issue_cert("localhost", "127.0.0.1").configure_cert(context)
    sink = Sink(folder)
    if line == "tls":
        # The library does not see the TLS around it and would not offer AUTH otherwise.
        more = {"auth_required": True, "auth_require_tls": False, "authenticator": authenticate}
    elif line == "starttls":
        more = {"tls_context": context, "require_starttls": True}
    else:
        more = {}
    loop = asyncio.get_running_loop()
    outer = context if line == "tls" else None
    server = await loop.create_server(lambda: SMTP(sink, enable_SMTPUTF8=True, **more), "127.0.0.1", 0, ssl=outer)
    print("port", server.sockets[0].getsockname()[1], flush=True)
    # Ends with whoever started it.
    await loop.run_in_executor(None, sys.stdin.read)
    os._exit(0)


asyncio.run(main(sys.argv[1], sys.argv[2]))
