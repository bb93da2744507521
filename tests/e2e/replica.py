"""A gateway of a test's own beside the stack's: another replica of it."""
import os
import socket
import subprocess
import time

import forgery
import nwims


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Gateway:
    """Another replica with settings of the test's choice."""

    def __init__(self, **settings):
        port, var = free_port(), os.environ["NWIMS_VAR"]
        self.url = f"http://127.0.0.1:{port}"
        nats = next(line.split('"')[1] for line in open(f"{var}/etc/nats.conf") if line.startswith("listen"))
        environment = {"PATH": os.environ["PATH"], "LOG_LEVEL": "error", "ADMIN_ADDRESS": f"127.0.0.1:{free_port()}", "HTTP_ADDRESS": f"127.0.0.1:{port}",
                       "NATS_URL": f"nats://{nats}", "NATS_USER": "gateway", "NATS_PASSWORD": forgery.secret("nats-gateway"), "DRAIN_DELAY_MS": "0",
                       "PROXY_SECRET": forgery.secret("proxy"), "ADDRESS_RATE": "0", "KEY_RATE": "0", "TENANT_RATE": "0", **settings}
        self.process = subprocess.Popen([f"{var}/bin/gateway"], env=environment)
        for _ in range(200):
            try:
                if nwims.Client(self.url).call("GET", "/api/v1/system/version").status in (200, 429):
                    return
            except OSError:
                time.sleep(0.1)
        raise AssertionError("the gateway does not start")

    def client(self, token=None, address=None):
        client = nwims.Client(self.url, token)
        if address:
            client.headers.update({"Nwims-Proxy-Secret": forgery.secret("proxy"), "X-Forwarded-For": address})
        return client

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        assert self.process.wait(30) == 0, "the gateway did not end well"
