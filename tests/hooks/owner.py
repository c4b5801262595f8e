"""Comes in as an owner does, by the one-time link: chooses a password, sets a second factor up, and prints the session's token.

    owner.py http://127.0.0.1:PORT /office/welcome/TOKEN
"""

import base64
import hashlib
import hmac
import re
import struct
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

BASE, LINK = sys.argv[1], sys.argv[2]
PASSWORD = "a long walk home"


class Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None


def send(path, cookie, fields=None):
    data = None if fields is None else urllib.parse.urlencode(fields).encode()
    request = urllib.request.Request(BASE + path, data=data, headers={"origin": BASE, "cookie": cookie})
    try:
        answer = urllib.request.build_opener(Stay).open(request, timeout=60)
    except urllib.error.HTTPError as error:
        answer = error
    given = answer.headers.get("set-cookie", "").split(";")[0]
    return answer.status, given or cookie, answer.read().decode()


def code(secret, now):
    tag = hmac.new(secret, struct.pack(">Q", int(now) // 30), hashlib.sha1).digest()
    at = tag[-1] & 15
    return f"{(struct.unpack('>I', tag[at:at + 4])[0] & 0x7FFFFFFF) % 1000000:06}"


status, cookie, _ = send(LINK, "", {"password": PASSWORD, "again": PASSWORD})
assert status == 303, status
_, _, page = send("/office/code", cookie)
typed = re.search(r'office-secret num">([A-Z2-7 ]+)<', page).group(1).replace(" ", "")
secret = base64.b32decode(typed + "=" * (-len(typed) % 8))
for _ in range(4):
    status, cookie, _ = send("/office/code", cookie, {"code": code(secret, time.time())})
    if status == 303:
        break
assert status == 303, status
print(cookie.split("=", 1)[1])
