"""A device that speaks NWT/1, written from services/ingest-tcp/README.md alone: frames, login by token, TLS or challenge, acknowledgements."""
import hashlib
import hmac
import os
import socket
import ssl
import struct
import subprocess

HELLO, CHALLENGE, AUTH, WELCOME, DATA, ACK, NACK, PING, PONG, CMD, CMD_RES, CFG, TIME, BYE, PAUSE, RESUME = range(1, 17)
HOST = os.environ.get("NWIMS_TCP_HOST", "localhost")
PATIENCE_S = 30


def crc32c(data, table=[]):
    if not table:
        for i in range(256):
            for _ in range(8):
                i = (i >> 1) ^ 0x82F63B78 if i & 1 else i >> 1
            table.append(i)
    value = 0xFFFFFFFF
    for byte in data:
        value = table[(value ^ byte) & 255] ^ value >> 8
    return value ^ 0xFFFFFFFF


def text(value):
    value = value.encode() if isinstance(value, str) else value
    return bytes([len(value)]) + value


class Ended(Exception):
    """BYE, with its code; or the end of the connection without one (code None)."""

    def __init__(self, code=None, after_ms=0, why=""):
        super().__init__(f"BYE {code}: {why}")
        self.code, self.after_ms, self.why = code, after_ms, why


class Pipe:
    """openssl s_client as a socket: Python's ssl has no pre-shared keys yet."""

    def __init__(self, port, *options):
        self.process = subprocess.Popen(["openssl", "s_client", "-quiet", "-connect", f"{HOST}:{port}", *options],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)

    def sendall(self, data):
        try:
            self.process.stdin.write(data)
            self.process.stdin.flush()
        except BrokenPipeError as error:
            raise OSError("the pipe is broken") from error

    def recv(self, size):
        return self.process.stdout.read1(size)

    def close(self):
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()


def plain(port):
    connection = socket.create_connection((HOST, port), timeout=PATIENCE_S)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def over_tls(port, certificate=None, version=None):
    context = ssl.create_default_context(cafile=os.environ["NWIMS_CA_FILE"])
    if certificate:
        context.load_cert_chain(*certificate)
    if version:
        context.maximum_version = version
    return context.wrap_socket(socket.create_connection((HOST, port), timeout=PATIENCE_S), server_hostname="localhost")


class Device:
    def __init__(self, connection, bare=False):
        self.connection, self.bare, self.key = connection, bare, None
        self.sent = self.received = 0
        self.buffer, self.committed, self.credit, self.nacks = b"", 0, 0, []

    def close(self):
        self.connection.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    # ---- frames ----
    def mac(self, direction, number, data):
        return hmac.new(self.key, struct.pack(">BQ", direction, number) + data, hashlib.sha256).digest()[:16]

    def frame(self, type_, sequence=0, payload=b""):
        trailer = 16 if self.key else 0 if self.bare else 4
        data = (11 + len(payload) + trailer).to_bytes(3, "big") + struct.pack(">BBBQ", type_, 1 if self.key else 0, 0, sequence) + payload
        if self.key:
            self.sent += 1
            return data + self.mac(0, self.sent - 1, data)
        return data if self.bare else data + struct.pack(">I", crc32c(data))

    def send(self, type_, sequence=0, payload=b""):
        self.connection.sendall(self.frame(type_, sequence, payload))

    def read(self, size):
        while len(self.buffer) < size:
            try:
                more = self.connection.recv(65536)
            except (ConnectionError, ssl.SSLError) as error:
                raise Ended() from error
            if not more:
                raise Ended()
            self.buffer += more
        out, self.buffer = self.buffer[:size], self.buffer[size:]
        return out

    def next(self):
        """(type, sequence, payload); raises Ended at BYE."""
        head = self.read(3)
        data = head + self.read(int.from_bytes(head, "big"))
        type_, flags, _, sequence = struct.unpack(">BBBQ", data[3:14])
        trailer = 16 if self.key else 0 if self.bare else 4
        body, check = data[:len(data) - trailer], data[len(data) - trailer:]
        if self.key:
            assert flags == 1 and check == self.mac(1, self.received, body), "a wrong MAC"
            self.received += 1
        elif not self.bare:
            assert check == struct.pack(">I", crc32c(body)), "a wrong check value"
        payload = body[14:]
        if type_ == BYE:
            code, after_ms = struct.unpack(">BI", payload[:5])
            raise Ended(code, after_ms, payload[6:].decode())
        return type_, sequence, payload

    # ---- logging in ----
    def hello(self, way=0, name="", epoch=1, oldest=1, next=1, acknowledged=0, keep_alive_s=0, nonce=b"", version=1):
        return struct.pack(">BBQQQQqI", version, way, epoch, oldest, next, acknowledged, 0, keep_alive_s) + text(name) + text(nonce) + text("nwt.py")

    def log_in(self, **hello):
        self.send(HELLO, 0, self.hello(**hello))
        return self.welcomed()

    def welcomed(self):
        type_, self.committed, payload = self.next()
        assert type_ == WELCOME, type_
        self.credit, self.most, self.keep_alive_s, self.time_us = struct.unpack(">IIIq", payload)
        return self

    def log_in_by_key(self, identity, key, **hello):
        nonce = os.urandom(24)
        self.send(HELLO, 0, self.hello(way=2, name=identity, nonce=nonce, **hello))
        type_, _, challenge = self.next()
        assert type_ == CHALLENGE and len(challenge) == 32
        said = challenge + text(nonce) + text(identity) + struct.pack(">Q", hello.get("epoch", 1))
        self.send(AUTH, 0, hmac.new(key, b"NWT/1 device" + said, hashlib.sha256).digest())
        session = hmac.new(key, b"NWT/1 frames" + said, hashlib.sha256).digest()
        if self.bare:
            return self.welcomed()
        head = self.read(3)  # a refusal has no MAC: the flag tells
        self.buffer = head + self.buffer
        while len(self.buffer) < 5:
            self.buffer += self.connection.recv(65536)
        if self.buffer[4] == 1:
            self.key = session
        return self.welcomed()

    # ---- records ----
    def data(self, first, body, count=1, format_=1):
        return self.frame(DATA, first, struct.pack(">IB", count, format_) + body)

    def send_data(self, first, body, count=1, format_=1):
        self.connection.sendall(self.data(first, body, count, format_))

    def hear(self):
        """One frame that tells how far we are."""
        type_, sequence, payload = self.next()
        if type_ == ACK:
            assert sequence >= self.committed, f"{sequence} after {self.committed}"
            self.committed, self.credit = sequence, struct.unpack(">I", payload)[0]
        elif type_ == NACK:
            count, code, after_ms = struct.unpack(">IBI", payload[:9])
            self.nacks.append((sequence, count, code, payload[10:].decode()))
        return type_

    def wait_for(self, committed):
        while self.committed < committed:
            self.hear()
        return self
