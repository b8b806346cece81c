"""ClickHouse's engine behind ClickHouse's HTTP interface, as much of it as an exporter and a reader need.

The engine (chdb) opens no port of its own. Run with its packages alone, as `python clickhouse_server.py PORT FOLDER`.
"""

import re
import sys
import tempfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from chdb.session import Session

port, folder = int(sys.argv[1]), sys.argv[2]
session, lock = Session(folder), threading.Lock()


def columns_of(table, names):
    """The names and types of the columns that an INSERT names, as `file()` wants them."""
    found = session.query(f"DESCRIBE TABLE {table}", "TabSeparated").data()
    types = dict(line.split("\t")[:2] for line in found.splitlines())
    plain = [name.strip().strip("`") for name in names.split(",")] if names else list(types)
    return ", ".join(f"`{name}` {types[name]}" for name in plain)


def run(query, data):
    """Answer one request."""
    insert = re.match(
        r"\s*INSERT INTO\s+(\S+?)\s*(?:\(([^)]*)\))?\s*(?:FORMAT)\s+(\w+)", query, re.IGNORECASE | re.DOTALL
    )
    with lock:
        if not insert:
            return session.query(query, "JSONEachRow").bytes()
        table, names, form = insert.groups()
        with tempfile.NamedTemporaryFile() as rows:
            rows.write(data)
            rows.flush()
            columns = columns_of(table, names)
            into = f"({names})" if names else ""
            session.query(f"INSERT INTO {table} {into} SELECT * FROM file('{rows.name}', '{form}', $${columns}$$)")
        return b""


class Handler(BaseHTTPRequestHandler):
    """Takes the query from the URL, or from the body."""

    protocol_version = "HTTP/1.1"

    def body(self):
        """The body, in chunks or whole."""
        if "chunked" not in self.headers.get("Transfer-Encoding", ""):
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        body = b""
        while length := int(self.rfile.readline().partition(b";")[0], 16):
            body += self.rfile.read(length)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def do_POST(self):
        body = self.body()
        query = parse_qs(urlsplit(self.path).query).get("query", [""])[0]
        try:
            status, answer = 200, run(query or body.decode(), body)
        except Exception as error:
            status, answer = 400, str(error).encode()
            print(error, flush=True)
        self.send_response(status)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *args): ...


print("ready", flush=True)
ThreadingHTTPServer(("127.0.0.1", port), Handler).serve_forever()
