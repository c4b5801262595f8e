"""The interface as its document says it is: the document is valid, and schemathesis finds nothing in the server that contradicts it.

`cargo xtask test api` runs this. Each operation of the document counts as one test; so does the document itself."""

import json
import os
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ElementTree
from pathlib import Path

from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from openapi_spec_validator import OpenAPIV31SpecValidator

from shop import Device, Server

HERE = Path(__file__).resolve().parent
# What holds whoever asks; and what can be asked of somebody who may.
SHAPES = [
    "not_a_server_error", "status_code_conformance", "content_type_conformance", "response_headers_conformance", "response_schema_conformance",
]
CHECKS = [
    *SHAPES, "negative_data_rejection", "positive_data_acceptance", "missing_required_header",
    "unsupported_method", "allow_header_conformance", "ignored_auth",
]
# These end the session that they are asked with, so they get one of their own, each.
ENDS = {"signOut": 1, "signOutEverywhere": 1}
# And this one needs another role.
OPERATOR = ["listMerchants"]


def told(device, token, more):
    """What the hooks must know."""
    key = device.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    return json.dumps({"device": device.id, "key": key, "token": token, **more})


def schemathesis(server, work, name, environment, arguments):
    """One run; returns how many operations passed and failed."""
    examples = "1000" if os.environ.get("HOLDFAST_FULL") == "1" else "60"
    junit = work / f"{name}.xml"
    command = [
        sys.executable, "-m", "schemathesis.cli", "--config-file", HERE / "schemathesis.toml", "run", f"{server.origin}/api/v1/openapi.json",
        "--url", server.origin, "--checks", ",".join(CHECKS if name != "nobody" else SHAPES), "--phases", "examples,coverage,fuzzing", "--mode", "all", "--max-examples", examples,
        "--generation-deterministic", "--no-shrink", "--workers", "1", "--request-timeout", "120", "--no-color",
        "--report", "junit", "--report-junit-path", junit, *arguments,
    ]
    with open(work / f"{name}.log", "wb") as log:
        done = subprocess.run(command, cwd=HERE, env={**os.environ, **environment}, stdout=log, stderr=log)
    cases = list(ElementTree.parse(junit).iter("testcase")) if junit.exists() else []
    bad = [case for case in cases if case.find("failure") is not None or case.find("error") is not None]
    for case in bad:
        print(f"FAILED {name}: {case.get('name')}")
    if done.returncode != 0 or not cases:
        print((work / f"{name}.log").read_text(errors="replace"))
    # A run that ended badly without naming a case failed as a whole.
    silent = int(done.returncode != 0 and not bad or not cases)
    return len(cases) - len(bad), len(bad) + silent


def main():
    base = os.environ.get("HOLDFAST_WORK")
    work = Path(tempfile.mkdtemp(prefix="api-", dir=base))
    began = time.monotonic()
    server = Server(work)
    passed = failed = 0
    try:
        document = json.loads(server.send("GET", "/api/v1/openapi.json")[2])
        wrong = list(OpenAPIV31SpecValidator(document).iter_errors())
        for error in wrong:
            print(f"FAILED the document: {error.message}")
        passed, failed = int(not wrong), int(bool(wrong))
        device = Device(server)
        payment = device.pay()
        receipt = device.ask("GET", f"/api/v1/payments/{payment}")["receipt"].removeprefix("/r/")
        more = {"payment": payment, "receipt": receipt, "spare": Device(server).id}
        owner = server.person("owner@shop.example", "owner")
        apart = [*ENDS, *OPERATOR]
        runs = [("owner", owner, [option for name in apart for option in ("--exclude-operation-id", name)])]
        for name in ENDS:
            token = server.person(f"{name.lower()}@shop.example", "owner")
            runs.append((name, token, ["--include-operation-id", name]))
        operator = server.person("operator@shop.example", "operator")
        runs += [(name, operator, ["--include-operation-id", name]) for name in OPERATOR]
        runs.append(("nobody", "", []))
        server.person("colleague@shop.example", "cashier")
        asked = server.send("GET", "/api/v1/people", headers={"authorization": f"Bearer {owner}"})
        staff = {row["email"].split("@")[0]: row["id"] for row in json.loads(asked[2])["people"]}
        more["colleague"] = staff.pop("colleague")
        more["staff"] = list(staff.values())
        for name, token, arguments in runs:
            environment = {"HOLDFAST_API_TEST": told(device, token, more), "PYTHONPATH": str(HERE), "PYTHONDONTWRITEBYTECODE": "1"}
            good, bad = schemathesis(server, work, name, environment, arguments)
            print(f"{name}: {good} passed, {bad} failed, {time.monotonic() - began:.0f} s so far", flush=True)
            passed, failed = passed + good, failed + bad
        if not server.is_running():
            failed += 1
            print("FAILED: the server ended")
    finally:
        server.stop()
    print(f"{passed} passed, {failed} failed")
    sys.exit(1 if failed else 0)


main()
