"""A program that is told of events. It checks every message with the library of Standard Webhooks, and keeps what it got.

    receiver.py DIR PORT [tls]     PORT: 0 for any

Prints "port N" when it listens on the loopback. DIR/ca.pem is the root of its throw-away certificate. DIR/secrets has a secret in
each line; DIR/got.jsonl gets a line for each request, before it is answered. The path says how it is answered:
    /ok          200
    /fail/N      500 to the first N attempts of a message, then 200
    /hold        no answer to the first attempt of a message, then 200
    /slow        no answer
    /gone        410
    /redirect    302 to /elsewhere
"""

import json
import os
import ssl
import sys
import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import trustme
from standardwebhooks import Webhook, WebhookVerificationError

FOLDER = sys.argv[1]
LOCK = threading.Lock()
ATTEMPTS = Counter()


def right(headers, body):
    """For each secret that we know, whether the message is signed with it."""
    with open(os.path.join(FOLDER, "secrets"), encoding="utf-8") as file:
        secrets = file.read().split()
    found = []
    for secret in secrets:
        try:
            Webhook(secret).verify(body, headers)
            found.append(True)
        except WebhookVerificationError:
            found.append(False)
    return found


class Receiver(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("content-length", "0")))
        headers = {name.lower(): value for name, value in self.headers.items()}
        name = headers.get("webhook-id", "")
        with LOCK:
            ATTEMPTS[self.path, name] += 1
            attempt = ATTEMPTS[self.path, name]
            line = {
                "path": self.path,
                "id": name,
                "right": right(headers, body),
                "forged": right(headers, body + b" "),
                "content_type": headers.get("content-type"),
                "body": json.loads(body),
            }
            with open(os.path.join(FOLDER, "got.jsonl"), "a", encoding="utf-8") as file:
                file.write(json.dumps(line) + "\n")
        kind, _, count = self.path.strip("/").partition("/")
        if kind == "slow" or (kind == "hold" and attempt == 1):
            time.sleep(600)
        if kind == "fail" and attempt <= int(count):
            return self.answer(500, "no\nroom\x00 here")
        if kind == "gone":
            return self.answer(410, "never again")
        if kind == "redirect":
            return self.answer(302, "", {"location": "/elsewhere"})
        return self.answer(200, "booked")

    def answer(self, status, text, headers=None):
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_):
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        # Whoever hangs up in mid-answer is part of the tests.
        pass


def listen(port):
    # Another run of this very program may be just about to let go of the port.
    for _ in range(600):
        try:
            return Server(("127.0.0.1", port), Receiver)
        except OSError:
            time.sleep(0.1)
    raise SystemExit("the port is taken")


def main():
    server = listen(int(sys.argv[2]))
    if sys.argv[3:] == ["tls"]:
        ca = trustme.CA()
        ca.cert_pem.write_to_path(os.path.join(FOLDER, "ca.pem"))
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        ca.issue_cert("localhost", "127.0.0.1").configure_cert(context)
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print("port", server.server_address[1], flush=True)
    # Ends with whoever started it.
    sys.stdin.read()
    os._exit(0)


main()
