"""The library `standardwebhooks` of PyPI checks what our server tells."""
import http.server
import json
import sys
import threading
import urllib.request

from standardwebhooks import Webhook, WebhookVerificationError

address, key = sys.argv[1:]
told, arrived = [], threading.Event()


class Receiver(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        told.append((body, dict(self.headers)))
        self.send_response(204)
        self.end_headers()
        arrived.set()

    def log_message(self, *_):
        pass


def ask(path, body):
    request = urllib.request.Request(address + path, json.dumps(body).encode(), {"X-API-Key": key, "Content-Type": "application/json"})
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


receiver = http.server.HTTPServer(("127.0.0.1", 0), Receiver)
threading.Thread(target=receiver.serve_forever, daemon=True).start()
webhook = ask("/v1/webhooks", {"url": f"http://127.0.0.1:{receiver.server_port}/"})
ask(f"/v1/webhooks/{webhook['id']}/test", {})
assert arrived.wait(20), "nothing was told"
body, headers = told[0]
checker = Webhook(webhook["secret"])
assert checker.verify(body, headers)["type"] == "test"
try:
    checker.verify(body + b" ", headers)
except WebhookVerificationError:
    print("ok       standardwebhooks (PyPI)")
else:
    raise AssertionError("a changed body was taken")
