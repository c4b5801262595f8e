"""A shop in which everything has happened, for the walk through the back office.

    fill.py WORK

Prints one line of JSON when it is ready, and stays until its input ends. Payments, people, devices, cash, webhooks and the acquirer's account come
in by the front door. What only time can bring is written straight into the books: weeks that have passed, tills that went silent, a loss.
"""

import csv
import hashlib
import io
import json
import random
import sqlite3
import subprocess
import sys
import time
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "api"))
import shop  # noqa: E402

HOUR_MS = 3_600_000
APPROVED, NO_FUNDS, EXPIRED_CARD = shop.PAN, "4000000000009995", "4000000000000069"
# Name, price, tax in basis points, category: from the demo's catalogue.
ITEMS = [
    ("Flat white", 420, 1900, "Coffee"), ("Butter croissant", 320, 700, "Bakery"), ("Grain bowl", 990, 700, "Lunch"),
    ("Ginger lemonade", 390, 1900, "Cold drinks"), ("House beans 250 g", 1190, 700, "Retail"), ("Enamel mug", 1600, 1900, "Retail"),
]
# What a customer's bank calls itself matters to nobody; the brand is what the till saw.
BRANDS = ["visa", "mastercard", "amex", "maestro"]
dice = random.Random(7)


class Till(shop.Device):
    """A till that takes payments at any time of the last three days."""

    def __init__(self, server, name):
        super().__init__(server, name)
        self.seq, self.prev = 0, ""
        keyset = json.loads(server.send("GET", "/api/v1/keyset")[2])["keyset"]
        self.keyset = json.loads(shop.unb64(keyset.split(".")[1]))

    def sale(self, age_ms, pan=APPROVED, offline=True, pieces=None):
        """One sealed and signed record; returns its id, the record and its amount."""
        now = int(time.time() * 1000)
        day = next(key for key in self.keyset["card_keys"] if key["not_before_ms"] <= now < key["use_until_ms"])
        payment = shop.payment_id(now)
        sold = pieces or [(dice.choice(ITEMS), dice.randint(1, 2)) for _ in range(dice.randint(1, 3))]
        lines = [line(item, count) for item, count in sold]
        amount, tax = sum(one["total_minor"] for one in lines), sum(one["tax_minor"] for one in lines)
        self.seq += 1
        pos = {"v": 1, "mid": self.merchant, "did": self.id, "pid": payment, "seq": self.seq, "amt": amount, "cur": "EUR", "ksv": self.keyset["version"]}
        sale = {"number": f"{self.number}-{self.seq:04}", "currency": "EUR", "total_minor": amount, "tax_minor": tax, "lines": lines}
        record = {"v": 1, "id": payment, "mid": self.merchant, "did": self.id, "seq": self.seq, "prev": self.prev, "jwe": shop.seal(day, pos, pan),
                  "created_ms": now - age_ms, "mono_ms": 61_000, "server_ms": now - age_ms - 60_000, "server_mono_ms": 1_000, "offline": offline,
                  "card": {"brand": BRANDS[self.seq % 4], "last4": pan[-4:], "entry": "keyed", "chip": False}, "sale": sale}
        signed = self.jws("holdfast-record+jws", record)
        self.prev = shop.b64(hashlib.sha256(signed.encode()).digest())
        return payment, signed, amount

    def upload(self, records):
        self.ask("POST", "/api/v1/batches", {"v": 1, "records": records})

    def state(self, payment):
        return self.ask("GET", f"/api/v1/payments/{payment}?wait_ms=5000")["state"]

    def until(self, payment, *states):
        end = time.monotonic() + shop.WAIT_S
        while time.monotonic() < end:
            if self.state(payment) in states:
                return
        raise SystemExit(f"{payment} is {self.state(payment)} and not {states}")

    def holds(self, count, minor):
        self.ask("POST", "/api/v1/heartbeat", {"v": 1, "head": {"seq": self.seq, "hash": self.prev}, "waiting_count": count, "waiting_minor": minor})


def line(item, count):
    name, price, tax_bp, _ = item
    total = price * count
    return {"name": name, "qty": count, "unit_minor": price, "total_minor": total, "tax_bp": tax_bp, "tax_minor": total * tax_bp // (10_000 + tax_bp)}


class Owner:
    def __init__(self, server):
        self.server, self.token = server, server.person("grace@harbour.example", "owner")

    def ask(self, method, path, body=None):
        headers = {"authorization": f"Bearer {self.token}", "content-type": "application/json"}
        status, _, answer = self.server.send(method, path, None if body is None else json.dumps(body), headers)
        if status >= 300:
            raise SystemExit(f"{method} {path}: {status} {answer[:300]!r}")
        return json.loads(answer) if answer else None


def script(server, **plan):
    body = json.dumps({"next": [], "always": None, **plan})
    status, _, answer = server.send("PUT", "/demo/acquirer/script", body, {"content-type": "application/json"})
    assert status < 300, answer


def people(server, owner):
    add = [server.binary, "owner", "add", "--data", server.data, "--email", "ada@harbour.example", "--name", "Ada Lovelace", "--password-stdin"]
    subprocess.run(add, input=f"{shop.PASSWORD}\n".encode(), stdout=subprocess.DEVNULL, check=True)
    add[add.index("--email") + 1 : add.index("--password-stdin")] = ["charles@harbour.example", "--name", "Charles Babbage", "--role", "cashier"]
    subprocess.run(add, input=f"{shop.PASSWORD}\n".encode(), stdout=subprocess.DEVNULL, check=True)
    for email, name, role in [("katherine@harbour.example", "Katherine Johnson", "manager"), ("alan@harbour.example", "Alan Turing", "cashier")]:
        owner.ask("POST", "/api/v1/people", {"v": 1, "email": email, "name": name, "role": role})
    invited = owner.ask("POST", "/api/v1/people", {"v": 1, "email": "edsger@harbour.example", "name": "", "role": "cashier"})
    return invited["link"]


def sales(counter, bar, owner, server):
    """Today's payments, in every state that they can come to. Returns those that pages are opened of."""
    taken = [(counter if n % 3 else bar).sale(dice.randint(5, 11 * 60) * 60_000, offline=n % 4 == 0) for n in range(18)]
    known = {
        "paid": counter.sale(40 * 60_000, offline=False, pieces=[(ITEMS[2], 2), (ITEMS[0], 2), (ITEMS[1], 1)]),
        "partly": counter.sale(95 * 60_000, pieces=[(ITEMS[4], 2), (ITEMS[5], 1)]),
        "refunded": bar.sale(3 * HOUR_MS, pieces=[(ITEMS[5], 1)]),
        "declined": bar.sale(4 * HOUR_MS, NO_FUNDS, pieces=[(ITEMS[2], 1), (ITEMS[3], 1)]),
        "never": counter.sale(5 * HOUR_MS, EXPIRED_CARD),
        "expired": counter.sale(80 * HOUR_MS),
    }
    for one in (counter, bar):
        one.upload([record for payment, record, _ in [*taken, *known.values()] if f'"did":"{one.id}"' in payload_of(record)])
    for name, states in [("paid", ["captured"]), ("partly", ["captured"]), ("refunded", ["captured"]), ("declined", ["declined"]), ("never", ["declined"])]:
        counter.until(known[name][0], *states)
    for payment, _, _ in taken:
        counter.until(payment, "captured")
    for name, amount in [("partly", 1190), ("refunded", known["refunded"][2])]:
        owner.ask("POST", f"/api/v1/payments/{known[name][0]}/refunds", {"v": 1, "id": str(uuid.uuid4()), "amount_minor": amount, "reason": "customer-returned"})
    counter.until(known["partly"][0], "partly-refunded")
    counter.until(known["refunded"][0], "refunded")
    return {name: payment for name, (payment, *_) in known.items()}


def payload_of(record):
    return shop.unb64(record.split(".")[1]).decode()


def voided(counter, owner, server):
    """Its bank is not there, and the shop takes the sale back."""
    script(server, always={"kind": "unreachable"})
    payment, record, _ = counter.sale(20 * 60_000)
    counter.upload([record])
    owner.ask("POST", f"/api/v1/payments/{payment}/void", {"v": 1, "id": str(uuid.uuid4()), "reason": "customer-returned"})
    return payment


def waiting(counter, bar, server):
    script(server, always={"kind": "unreachable"})
    made = [counter.sale(12 * 60_000), bar.sale(7 * 60_000), counter.sale(3 * 60_000)]
    counter.upload([made[0][1], made[2][1]])
    bar.upload([made[1][1]])
    return made[0][0]


def quarantine(server, terrace, owner):
    records = [terrace.sale(2 * HOUR_MS)[1], terrace.sale(HOUR_MS)[1]]
    owner.ask("POST", f"/api/v1/devices/{terrace.id}/revocation")
    terrace.upload([*records, "what no till has ever said"])
    last = owner.ask("GET", "/api/v1/quarantine")["lines"][0]
    owner.ask("POST", f"/api/v1/quarantine/{last['cursor']}/write-off", {"v": 1, "why": "A tablet that was dropped into the harbour"})


def cash(owner):
    for kind, minor, note in [("float", 15_000, "From the safe"), ("pay-out", 2_340, "Milk from the corner shop"), ("count", 12_460, "After lunch")]:
        owner.ask("POST", "/api/v1/cash-moves", {"v": 1, "id": str(uuid.uuid4()), "kind": kind, "amount_minor": minor, "note": note})


def account(server, work, paid):
    """The acquirer's account of today, with everything wrong in it that can be: one line gone, one of another amount, one that nobody knows."""
    zone = ZoneInfo("Europe/Dublin")
    day = (datetime.now(zone) - timedelta(hours=4)).date().isoformat()
    text = server.send("GET", f"/demo/acquirer/settlement?day={day}")[2].decode()
    rows = list(csv.reader(io.StringIO(text)))
    captures = [row for row in rows if row[0] == "capture"]
    rows.remove(captures[0])
    amount, fee = int(captures[1][5]) + 90, int(captures[1][6])
    captures[1][5:8] = [str(amount), str(fee), str(amount - fee)]
    now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    rows = [row for row in rows if row[0] not in ("payout", "end")]
    rows.append(["capture", str(uuid.uuid4()), "1", now, "EUR", "560", "18", "542", ""])
    rows.append(["chargeback", paid, "1", now, "EUR", "-1290", "1500", "-2790", "4837"])
    amount, fees = (sum(int(row[column]) for row in rows[2:]) for column in (5, 6))
    rows.append(["capture", "not one of ours", "x", now, "EUR", "1", "0", "1", ""])
    rows.append(["payout", f"po-{day}-eur", "1", now, "EUR", str(amount), str(fees), str(amount - fees), ""])
    rows.append(["end", day, str(len(rows) - 2), "", "", "", "", "", ""])
    file = work / "settlement.csv"
    with open(file, "w", newline="", encoding="utf-8") as out:
        csv.writer(out, lineterminator="\n").writerows(rows)
    subprocess.run([server.binary, "settle", "import", file, "--data", server.data], capture_output=True, check=False)
    return day


def weeks(books, merchant, devices):
    """Four weeks of sums as the booking job keeps them, and days that the acquirer's account agreed with."""
    zone = ZoneInfo("Europe/Dublin")
    today = ((datetime.now(zone) - timedelta(hours=4)).date() - datetime(1970, 1, 1).date()).days
    for day in range(today - 29, today):
        busy = 1.4 if (day + 4) % 7 >= 5 else 1.0
        hours = {hour: int(dice.uniform(2, 9) * busy * (2 if hour in (8, 9, 12, 13) else 1)) for hour in range(7, 19)}
        for hour, count in hours.items():
            add(books, merchant, day, {"hour": f"{hour:02}", "day": "", "tender": "card", "staff": "", "device": dice.choice(devices),
                                       "path": "offline" if dice.random() < 0.2 else "online"}, count, int(count * dice.uniform(600, 1100)))
        for name, price, tax_bp, category in ITEMS:
            count = dice.randint(5, 30)
            add(books, merchant, day, {"item": name, "category": category, "tax": str(tax_bp)}, count, count * price, tax_bp)
    return today


def add(books, merchant, day, keys, count, gross, tax_bp=1500):
    tax = gross * tax_bp // (10_000 + tax_bp)
    for kind, key in keys.items():
        books.execute(
            "INSERT INTO book_sums VALUES (?, ?, ?, ?, 'EUR', ?, ?, ?, ?, 0, 0, 0, 0, 0) ON CONFLICT DO UPDATE SET count = count + excluded.count,"
            " quantity = quantity + excluded.quantity, net_minor = net_minor + excluded.net_minor, tax_minor = tax_minor + excluded.tax_minor",
            (merchant, kind, day, key, count, count, gross - tax, tax),
        )


def past(server, counter, bar, market):
    """What only time brings."""
    now = int(time.time() * 1000)
    books = sqlite3.connect(server.data / "holdfast.sqlite", timeout=60)
    with books:
        today = weeks(books, counter.merchant, [counter.id, bar.id])
        books.execute("UPDATE devices SET heartbeat_ms = ? WHERE id = ?", (now - 14 * HOUR_MS, market.id))
        books.execute("UPDATE devices SET enrolled_ms = ?", (now - 40 * 24 * HOUR_MS,))
        for n, minor in [(1, 1_270), (2, 840)]:
            books.execute(
                "INSERT INTO missing_payments (merchant_id, device_id, payment_id, record_hash, seq, status, acked_ms, epoch, number, amount_minor,"
                " currency, brand, last4, created_ms, reported_ms) VALUES (?, ?, ?, ?, ?, 'stored', ?, 'before', ?, ?, 'EUR', 'mastercard', '4444', ?, ?)",
                (counter.merchant, counter.id, str(uuid.uuid4()), f"lost-{n}", 9_000 + n, now - 30 * HOUR_MS, f"1-90{n:02}", minor, now - 31 * HOUR_MS, now - 20 * HOUR_MS),
            )
        for back in range(1, 6):
            file = f"account-{back}"
            books.execute("INSERT INTO settlement_files VALUES (?, ?, ?, 1, 1, ?)", (file, counter.merchant, today - back, now - back * 24 * HOUR_MS))
            books.execute("INSERT INTO reconciliations VALUES (?, ?, ?, 1, ?)", (counter.merchant, today - back, file, now - back * 24 * HOUR_MS))
            books.execute("INSERT INTO reconciled_sums VALUES (?, ?, 'EUR', ?, ?)", (counter.merchant, today - back, 80 + back, 61_240 + 991 * back))
    books.close()


def main():
    work = Path(sys.argv[1])
    server = shop.Server(work, "--webhook-loopback", "--retry-declined")
    try:
        owner = Owner(server)
        link = people(server, owner)
        hook = sys.argv[2] if len(sys.argv) > 2 else "http://127.0.0.1:9/"
        good = owner.ask("POST", "/api/v1/webhooks", {"v": 1, "url": hook, "events": ["payment.captured", "payment.declined"]})
        owner.ask("POST", "/api/v1/webhooks", {"v": 1, "url": "http://127.0.0.1:9/a/long/address/of/an/accounting/program/that/is/not/there", "events": []})
        counter, bar, terrace, market = (Till(server, name) for name in ["Counter", "Bar", "Terrace", "Market stall by the harbour wall"])
        script(server)
        payments = sales(counter, bar, owner, server)
        quarantine(server, terrace, owner)
        cash(owner)
        day = account(server, work, payments["paid"])
        payments["voided"] = voided(counter, owner, server)
        payments["waiting"] = waiting(counter, bar, server)
        counter.holds(0, 0)
        bar.holds(2, 1_150)
        market.holds(3, 4_820)
        past(server, counter, bar, market)
        hooks = owner.ask("GET", "/api/v1/webhooks")["webhooks"]
        told = {"origin": server.origin, "email": "ada@harbour.example", "cashier": "charles@harbour.example", "password": shop.PASSWORD, "welcome": link, "payments": payments, "day": day,
                "device": bar.id, "webhooks": [good["id"], *(one["id"] for one in hooks if one["id"] != good["id"])]}
        print(json.dumps(told), flush=True)
        sys.stdin.read()
    finally:
        server.stop()


main()
