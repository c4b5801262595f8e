"""A shop to test against: the real server with its demo's simulator, an owner, an operator, and a device with one payment."""

import base64
import hashlib
import hmac
import http.client
import json
import os
import re
import secrets
import socket
import struct
import subprocess
import time
import urllib.parse
from pathlib import Path

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

REPOSITORY = Path(__file__).resolve().parents[2]
PASSWORD = "a long walk along the pier"
# A public test number.
PAN = "4242424242424242"
WAIT_S = 300


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def binary():
    """The server, built if need be."""
    if "HOLDFAST_SERVER_BIN" in os.environ:
        return os.environ["HOLDFAST_SERVER_BIN"]
    build = ["cargo", "build", "--locked", "--quiet", "-p", "holdfast-server", "--bin", "holdfast"]
    made = subprocess.run([*build, "--message-format", "json-render-diagnostics"], cwd=REPOSITORY, stdout=subprocess.PIPE, check=True)
    names = [json.loads(line).get("executable") for line in made.stdout.decode().splitlines() if line.startswith("{")]
    return [name for name in names if name][-1]


def no_app(directory):
    directory.mkdir(parents=True)
    (directory / "index.html").write_text("<!doctype html><title>no app</title>")
    return directory


class Server:
    """A server on empty data. It ends with this object's `stop`."""

    def __init__(self, work, *more):
        self.binary = binary()
        self.data, self.keys = work / "data", work / "keys"
        app = Path(os.environ["HOLDFAST_DIST"]) if "HOLDFAST_DIST" in os.environ else no_app(work / "app")
        subprocess.run([self.binary, "root", "make", "--dir", self.keys], stdout=subprocess.DEVNULL, check=True)
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.origin = f"http://127.0.0.1:{self.port}"
        arguments = ["serve", "--demo", "--data", self.data, "--root-keys", self.keys, "--app", app, "--port", str(self.port), *more]
        self.log = open(work / "server.log", "wb")
        self.child = subprocess.Popen([self.binary, *arguments], stdout=self.log, stderr=self.log)
        end = time.monotonic() + WAIT_S
        while True:
            try:
                if self.send("GET", "/healthz")[0] == 200:
                    return
            except OSError:
                pass
            if self.child.poll() is not None or time.monotonic() > end:
                raise SystemExit(f"the server does not start; see {work}/server.log")
            time.sleep(0.1)

    def send(self, method, path, body=None, headers=None):
        line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=WAIT_S)
        try:
            line.request(method, path, body, headers or {})
            answer = line.getresponse()
            return answer.status, answer.headers, answer.read()
        finally:
            line.close()

    def is_running(self):
        return self.child.poll() is None

    def stop(self):
        self.child.terminate()
        try:
            self.child.wait(60)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait()
        self.log.close()

    def person(self, email, role):
        """Adds somebody and signs them in; returns the session's token."""
        add = [self.binary, "owner", "add", "--data", self.data, "--email", email, "--role", role, "--password-stdin"]
        subprocess.run(add, input=f"{PASSWORD}\n".encode(), stdout=subprocess.DEVNULL, check=True)
        half = self.form("/office/sign-in", {"email": email, "password": PASSWORD}, "")
        page = self.send("GET", "/office/code", headers={"cookie": f"holdfast={half}"})[2].decode()
        secret = re.search(r'office-secret num">([A-Z2-7 ]+)<', page).group(1).replace(" ", "")
        return self.form("/office/code", {"code": totp(secret)}, half)

    def form(self, path, fields, token):
        """Sends a page's form; returns the session that its cookie brings."""
        headers = {"content-type": "application/x-www-form-urlencoded", "sec-fetch-site": "same-origin", "cookie": f"holdfast={token}"}
        status, headers, _ = self.send("POST", path, urllib.parse.urlencode(fields), headers)
        cookie = re.match(r"holdfast=([^;]+);", headers.get("set-cookie", ""))
        if cookie is None:
            raise SystemExit(f"POST {path}: {status}, no session")
        return cookie.group(1)


def totp(secret):
    """RFC 6238: six digits, 30 seconds, HMAC-SHA-1."""
    key = base64.b32decode(secret + "=" * (-len(secret) % 8))
    tag = hmac.digest(key, struct.pack(">Q", int(time.time()) // 30), "sha1")
    at = tag[-1] & 15
    return f"{(struct.unpack('>I', tag[at:at + 4])[0] & 0x7FFFFFFF) % 1_000_000:06}"


class Device:
    """An enrolled device, and how it signs (docs/protocol.md section 2)."""

    def __init__(self, server, name="Counter"):
        self.server, self.id = server, "enrol"
        self.key = ec.generate_private_key(ec.SECP256R1())
        public = self.key.public_key().public_numbers()
        jwk = {"kty": "EC", "crv": "P-256", "x": b64(public.x.to_bytes(32)), "y": b64(public.y.to_bytes(32))}
        code = json.loads(server.send("GET", "/demo/enrolment-code")[2])["code"]
        enrolled = self.ask("POST", "/api/v1/enrolments", {"v": 1, "code": code, "device_name": name, "jwk": jwk})
        self.id, self.merchant, self.number = enrolled["device_id"], enrolled["merchant_id"], enrolled["device_number"]

    def raw_signature(self, data):
        r, s = decode_dss_signature(self.key.sign(data, ec.ECDSA(hashes.SHA256())))
        return r.to_bytes(32) + s.to_bytes(32)

    def sign(self, method, target, body):
        """The three fields of RFC 9421 for one request."""
        path, _, query = target.partition("?")
        digest = f"sha-256=:{base64.b64encode(hashlib.sha256(body).digest()).decode()}:"
        covered = '("@method" "@path" "@query" "content-digest")'
        parameters = f'{covered};created={int(time.time())};keyid="{self.id}";alg="ecdsa-p256-sha256"'
        lines = [f'"@method": {method}', f'"@path": {path}', f'"@query": ?{query}', f'"content-digest": {digest}']
        base = "\n".join([*lines, f'"@signature-params": {parameters}'])
        signature = base64.b64encode(self.raw_signature(base.encode())).decode()
        return {"Content-Digest": digest, "Signature-Input": f"holdfast={parameters}", "Signature": f"holdfast=:{signature}:"}

    def ask(self, method, target, body=None):
        text = b"" if body is None else json.dumps(body).encode()
        headers = {**self.sign(method, target, text), "content-type": "application/json"}
        status, _, answer = self.server.send(method, target, text, headers)
        if status >= 300:
            raise SystemExit(f"{method} {target}: {status} {answer[:300]!r}")
        return json.loads(answer) if answer else None

    def jws(self, kind, payload):
        header = {"alg": "ES256", "kid": self.id, "typ": kind}
        text = ".".join(b64(json.dumps(part, separators=(",", ":")).encode()) for part in (header, payload))
        return f"{text}.{b64(self.raw_signature(text.encode()))}"

    def pay(self):
        """Takes one payment and waits until it is captured; returns its id."""
        keyset = json.loads(self.server.send("GET", "/api/v1/keyset")[2])["keyset"]
        keyset = json.loads(unb64(keyset.split(".")[1]))
        now = int(time.time() * 1000)
        day = next(key for key in keyset["card_keys"] if key["not_before_ms"] <= now < key["use_until_ms"])
        payment = payment_id(now)
        pos = {"v": 1, "mid": self.merchant, "did": self.id, "pid": payment, "seq": 1, "amt": 840, "cur": "EUR", "ksv": keyset["version"]}
        line = {"name": "Flat white", "qty": 2, "unit_minor": 420, "total_minor": 840, "tax_bp": 1900, "tax_minor": 134}
        sale = {"number": "1-0001", "currency": "EUR", "total_minor": 840, "tax_minor": 134, "lines": [line]}
        record = {"v": 1, "id": payment, "mid": self.merchant, "did": self.id, "seq": 1, "prev": "", "jwe": seal(day, pos), "created_ms": now,
                  "mono_ms": 1000, "server_ms": now, "server_mono_ms": 1000, "offline": True,
                  "card": {"brand": "visa", "last4": PAN[-4:], "entry": "keyed", "chip": False}, "sale": sale}
        self.ask("POST", "/api/v1/batches", {"v": 1, "records": [self.jws("holdfast-record+jws", record)]})
        end = time.monotonic() + WAIT_S
        while time.monotonic() < end:
            if self.ask("GET", f"/api/v1/payments/{payment}?wait_ms=10000")["state"] == "captured":
                return payment
        raise SystemExit("the payment was not captured")


def payment_id(now_ms):
    """UUIDv7 (RFC 9562 section 5.7)."""
    value = now_ms << 80 | 7 << 76 | secrets.randbits(12) << 64 | 2 << 62 | secrets.randbits(62)
    text = f"{value:032x}"
    return "-".join([text[:8], text[8:12], text[12:16], text[16:20], text[20:]])


def seal(day, pos, pan=PAN):
    """The envelope of docs/protocol.md section 5: JWE compact, RSA-OAEP-256, A256GCM."""
    header = b64(json.dumps({"alg": "RSA-OAEP-256", "enc": "A256GCM", "kid": day["kid"], "pos": pos}, separators=(",", ":")).encode())
    public = rsa.RSAPublicNumbers(int.from_bytes(unb64(day["e"])), int.from_bytes(unb64(day["n"]))).public_key()
    oaep = padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None)
    plain = {"pan": pan, "exp": "3012", "entry": "keyed", "amt": pos["amt"], "cur": pos["cur"], "pid": pos["pid"]}
    key, iv = secrets.token_bytes(32), secrets.token_bytes(12)
    sealed = AESGCM(key).encrypt(iv, json.dumps(plain).encode().ljust(512), header.encode())
    return ".".join([header, b64(public.encrypt(key, oaep)), b64(iv), b64(sealed[:-16]), b64(sealed[-16:])])
