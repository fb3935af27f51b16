"""A webhook agent in the standard library: it takes requests of Stars and calls back when the work is done.

Run it with the agent's secret: STARS_SECRET=whsec_… python webhook_receiver.py [port]
"""

import base64
import hashlib
import hmac
import json
import os
import sys
import threading
import time
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

KEY = base64.b64decode(os.environ["STARS_SECRET"].removeprefix("whsec_"))
taken = {}  # idempotency key -> the latest callback address


def is_signed(headers, body):
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    right = "v1," + base64.b64encode(hmac.digest(KEY, signed, hashlib.sha256)).decode()
    fresh = abs(time.time() - int(headers["webhook-timestamp"])) < 300
    return fresh and hmac.compare_digest(right, headers["webhook-signature"])


def work(key, asked):
    words = len(asked["instructions"].split())
    answer = {"text": f"'{asked['title']}' is done; its instructions had {words} words."}
    call = urllib.request.Request(
        taken[key], json.dumps(answer).encode(), {"Content-Type": "application/json"}
    )
    urllib.request.urlopen(call, timeout=30).close()


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        if not is_signed(self.headers, body):
            return self.answer(401)
        asked, key = json.loads(body), self.headers["idempotency-key"]
        is_new = key not in taken
        taken[key] = asked["callback"]["url"]  # a repeated request brings a new address
        if is_new:
            threading.Thread(target=work, args=(key, asked), daemon=True).start()
        self.answer(202)

    def answer(self, status):
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()


if __name__ == "__main__":
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 9000
    server = ThreadingHTTPServer(("127.0.0.1", port), Receiver)
    sys.stdout.write(f"listening on http://127.0.0.1:{server.server_address[1]}/\n")
    sys.stdout.flush()
    server.serve_forever()
