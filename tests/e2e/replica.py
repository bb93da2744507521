"""Gateways and warmers of a test's own beside the stack's: more replicas of them."""
import os
import socket
import subprocess
import time
import urllib.request

import forgery
import nwims


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def nats_url():
    with open(f"{os.environ['NWIMS_VAR']}/etc/nats.conf") as file:
        return "nats://" + next(line.split('"')[1] for line in file if line.startswith("listen"))


def stack_redis(user):
    """Where the stack's gateways have their Redis, and how a service gets in."""
    with open(f"{os.environ['NWIMS_VAR']}/etc/redis.conf") as file:
        port = next(line.split()[1] for line in file if line.startswith("port "))
    return {"REDIS_ADDRESS": f"127.0.0.1:{port}", "REDIS_USER": user, "REDIS_PASSWORD": forgery.secret(f"redis-{user}")}


def metrics(admin_address):
    """Values by name, of those without labels."""
    with urllib.request.urlopen(f"http://{admin_address}/metrics", timeout=5) as answer:
        lines = [line.split() for line in answer.read().decode().splitlines() if not line.startswith("#") and "{" not in line]
    return {line[0]: float(line[1]) for line in lines}


class Warmer:
    """Another replica of cache-warmer."""

    def __init__(self):
        self.admin_address = f"127.0.0.1:{free_port()}"
        environment = {"PATH": os.environ["PATH"], "LOG_LEVEL": "error", "ADMIN_ADDRESS": self.admin_address, "NATS_URL": nats_url(), "NATS_USER": "cache-warmer",
                       "NATS_PASSWORD": forgery.secret("nats-cache-warmer"), "DRAIN_DELAY_MS": "0", **stack_redis("cache-warmer")}
        self.process = subprocess.Popen([f"{os.environ['NWIMS_VAR']}/bin/cache-warmer"], env=environment)


class Gateway:
    """Another replica with settings of the test's choice."""

    def __init__(self, **settings):
        port, var = free_port(), os.environ["NWIMS_VAR"]
        self.url = f"http://127.0.0.1:{port}"
        environment = {"PATH": os.environ["PATH"], "LOG_LEVEL": "error", "ADMIN_ADDRESS": f"127.0.0.1:{free_port()}", "HTTP_ADDRESS": f"127.0.0.1:{port}",
                       "NATS_URL": nats_url(), "NATS_USER": "gateway", "NATS_PASSWORD": forgery.secret("nats-gateway"), "DRAIN_DELAY_MS": "0",
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
