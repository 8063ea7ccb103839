"""The receiver's side in one file, standard library only: FEED_SECRET="whsec_…" python feed_receiver.py [port]."""

import base64
import hmac
import json
import os
import re
import sqlite3
import sys
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import parse_qs, urlsplit

# One secret, or the old one and the new one with a space between while it is being changed.
SECRETS = re.findall(r"whsec_([A-Za-z0-9+/_-]{32,})", os.environ["FEED_SECRET"]) or sys.exit("FEED_SECRET: no key")
KEYS = [base64.b64decode(secret + "==", "-_" if re.search("[-_]", secret) else None) for secret in SECRETS]
DB = sqlite3.connect(os.environ.get("FEED_DATABASE", "feed.sqlite"), isolation_level=None)
DB.execute("CREATE TABLE IF NOT EXISTS posts (id INTEGER PRIMARY KEY, journey TEXT UNIQUE, document BLOB)")
# A withdrawn journey keeps its row, without its post: so a late delivery can't bring it back.
WITHDRAW = "INSERT INTO posts (journey) VALUES (?) ON CONFLICT (journey) DO UPDATE SET document = NULL"


class Receiver(BaseHTTPRequestHandler):
    def is_signed(self, body, wanted_id=None):
        """Whether one of our keys signed `body` in the last five minutes, as the message `wanted_id` if one is."""
        message_id, sent_at, given = (
            self.headers.get(f"webhook-{name}", "") for name in ("id", "timestamp", "signature")
        )
        if not re.fullmatch(r"[A-Za-z0-9_:-]{1,128}", message_id) or not re.fullmatch(r"[0-9]{1,12}", sent_at):
            return False
        digests = (hmac.digest(key, f"{message_id}.{sent_at}.".encode() + body, "sha256") for key in KEYS)
        right = [b"v1," + base64.b64encode(digest) for digest in digests]
        fits = any(hmac.compare_digest(one, other.encode()) for one in right for other in given.split(" "))
        return fits and abs(time.time() - int(sent_at)) <= 300 and wanted_id in (None, message_id)

    def do_POST(self):
        body = self.rfile.read(min(int(self.headers.get("content-length", 0)), 65536))
        if not self.is_signed(body):
            return self.answer(401)
        journey = json.loads(body)["data"]["journey_id"]
        new = DB.execute("INSERT OR IGNORE INTO posts (journey, document) VALUES (?, ?)", (journey, body)).rowcount
        post, document = DB.execute("SELECT id, document FROM posts WHERE journey = ?", (journey,)).fetchone()
        return self.answer(201 if new else 200, post) if document == body else self.answer(409)

    def do_GET(self):
        journey = parse_qs(urlsplit(self.path).query).get("journey_id", [""])[0]
        found = DB.execute("SELECT id FROM posts WHERE journey = ? AND document NOTNULL", (journey,)).fetchone()
        return (
            self.answer(401)
            if not self.is_signed(b"", journey)
            else self.answer(200, *found)
            if found
            else self.answer(404)
        )

    def do_DELETE(self):
        journey = parse_qs(urlsplit(self.path).query).get("journey_id", [""])[0]
        if not self.is_signed(b"", f"withdraw:{journey}"):
            return self.answer(401)
        DB.execute(WITHDRAW, (journey,))
        return self.answer(204)

    def answer(self, status, post=None):
        body = json.dumps({"post_id": str(post), "url": f"https://feed.example.com/posts/{post}"}) if post else ""
        self.send_response(status)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())


if __name__ == "__main__":
    HTTPServer(("127.0.0.1", int(sys.argv[1]) if sys.argv[1:] else 8080), Receiver).serve_forever()
