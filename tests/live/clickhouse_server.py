"""ClickHouse's engine behind ClickHouse's HTTP interface, as much of it as an exporter and a reader need.

The engine (chdb) opens no port of its own. Run with its packages alone, as `python clickhouse_server.py PORT FOLDER`.
"""

import json
import re
import struct
import sys
import tempfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

from chdb.session import Session

port, folder = int(sys.argv[1]), sys.argv[2]
session, lock = Session(folder), threading.Lock()


def columns_of(table, names):
    """The names and types of the columns that an INSERT names, as `file()` wants them."""
    found = session.query(f"DESCRIBE TABLE {table}", "TabSeparated").data()
    types = dict(line.split("\t")[:2] for line in found.splitlines())
    plain = [name.strip().strip("`") for name in names.split(",")] if names else list(types)
    return ", ".join(f"`{name}` {types[name]}" for name in plain)


def length(number):
    """A length, as ClickHouse's native format has it."""
    found = bytearray()
    while number > 127:
        found.append(number & 127 | 128)
        number >>= 7
    return bytes([*found, number])


def text(value):
    """A text, likewise."""
    return length(len(value.encode())) + value.encode()


CELLS = {"String": text, "UInt32": lambda value: struct.pack("<I", value)}


def native(answer):
    """One block of the native format, as a server sends it to who says which version of its protocol he speaks.

    The engine itself writes the format without a version, which has neither the head nor the flag of each column.
    """
    rows = answer["data"]
    block = b"\1\0\2" + struct.pack("<i", -1) + b"\0" + length(len(answer["meta"])) + length(len(rows))
    for number, column in enumerate(answer["meta"]):
        block += text(column["name"]) + text(column["type"]) + b"\0"
        block += b"".join(CELLS[column["type"]](row[number]) for row in rows)
    return block


def run(query, data, form="JSONEachRow"):
    """Answer one request."""
    insert = re.match(
        r"\s*INSERT INTO\s+(\S+?)\s*(?:\(([^)]*)\))?\s*(?:FORMAT)\s+(\w+)", query, re.IGNORECASE | re.DOTALL
    )
    with lock:
        if not insert and form == "Native":
            answer = session.query(query, "JSONCompact").bytes()
            return native(json.loads(answer)) if answer else b""
        if not insert:
            return session.query(query, form).bytes()
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
        given = dict(parse_qsl(urlsplit(self.path).query))
        try:
            query = given.get("query") or body.decode()
            status, answer = 200, run(query, body, given.get("default_format", "JSONEachRow"))
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
