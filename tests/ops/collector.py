"""A receiver of traces: takes what is exported over HTTP, reads it with OpenTelemetry's own messages, and writes one line of JSON a span."""

import gzip
import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from google.protobuf.json_format import MessageToDict
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest, ExportTraceServiceResponse


def plain(attributes):
    return {attribute["key"]: next(iter(attribute["value"].values())) for attribute in attributes}


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        if self.headers.get("content-encoding") == "gzip":
            body = gzip.decompress(body)
        if self.path != "/v1/traces" or self.headers["content-type"] != "application/x-protobuf":
            self.send_error(404)
            return
        asked = ExportTraceServiceRequest()
        asked.ParseFromString(body)
        for of_resource in asked.resource_spans:
            resource = plain(MessageToDict(of_resource.resource).get("attributes", []))
            for scope in of_resource.scope_spans:
                for span in scope.spans:
                    told = {
                        "resource": resource, "name": span.name, "kind": span.kind, "status": span.status.code,
                        "trace_id": span.trace_id.hex(), "span_id": span.span_id.hex(), "parent": span.parent_span_id.hex(),
                        "took_ns": span.end_time_unix_nano - span.start_time_unix_nano,
                        "attributes": plain(MessageToDict(span).get("attributes", [])), "events": len(span.events), "links": len(span.links),
                    }
                    print(json.dumps(told), flush=True)
        self.send_response(200)
        self.send_header("content-type", "application/x-protobuf")
        self.end_headers()
        self.wfile.write(ExportTraceServiceResponse().SerializeToString())

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
print(json.dumps({"port": server.server_port}), flush=True)
server.serve_forever()
