"""The row devices of make bench, and memory a connection: one reading a message over MQTT QoS 1, from many devices of one tenant."""
import json
import os
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../e2e"))
import nwims

DEVICES, SENSORS = 500, 1000


class Fleet:
    """A tenant with devices and sensors for nwims-mqtt-load."""

    def __init__(self, binary, folder):
        self.binary, self.tokens = binary, os.path.join(folder, "mqtt-tokens")
        self.api = nwims.tenant("fleet")
        for i in range(SENSORS):
            nwims.sensor(self.api, f"FLEET-{i:05}", "pressure", "bar")
        with open(self.tokens, "w") as file:
            for i in range(DEVICES):
                device = self.api.post("/devices", {"code": f"FLEET-{i:05}", "protocol": "mqtt"})
                assert device.status == 201, device
                made = self.api.post(f"/devices/{device.json['id']}/credentials", {"kind": "token"})
                assert made.status == 201, made
                file.write(made.json["secret"] + "\n")

    def argv(self, connections, port=None, **more):
        argv = [self.binary, "--port", port or os.environ["NWIMS_MQTT_PORT"], "--tokens", self.tokens, "--prefix", "FLEET-", "--sensors", SENSORS,
                "--connections", connections, "--start", int(time.time() * 1000) - 30 * 86400000]
        for name, value in more.items():
            argv += [f"--{name.replace('_', '-')}"] + ([] if value is True else [value])
        return [str(a) for a in argv]

    def measure(self, connections, **more):
        """What nwims-mqtt-load says at its end, with what it said when all were connected."""
        out = subprocess.run(self.argv(connections, **more), capture_output=True, text=True)
        lines = [json.loads(line) for line in out.stdout.splitlines()]
        if out.returncode != 0 or len(lines) != 2:
            raise SystemExit(f"nwims-mqtt-load failed: {out.stdout} {out.stderr}")
        return {**lines[0], **lines[1]}

    def memory(self, connections, pid, **more):
        """Bytes a connection of the process: resident memory with all connected and quiet, less that before."""
        before = rss_bytes(pid)
        process = subprocess.Popen(self.argv(connections, hold=12, **more), stdout=subprocess.PIPE, text=True)
        told = json.loads(process.stdout.readline())
        time.sleep(5)
        during = rss_bytes(pid)
        process.terminate()
        process.wait()
        return {"bytes": (during - before) / told["connected"], **told}


def rss_bytes(pid):
    with open(f"/proc/{pid}/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def pid_of(name):
    """Of a process of the stack, by its runner."""
    runner = os.environ["NWIMS_RUNNER_PID"]
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/stat") as file:
                found, rest = file.read().split("(", 1)[1].rsplit(")", 1)
        except OSError:
            continue
        if rest.split()[1] == runner and found == name:
            return int(pid)
    raise SystemExit(f"{name} does not run")
