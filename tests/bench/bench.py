#!/usr/bin/env python3
"""make bench: each figure beside its own limit, measured in turn on the same machine, medians of several rounds; a table for people, JSON for machines (build/bench.json).
Brings up a stack of its own. NWIMS_BENCH_ROUNDS (5) says how many rounds; names of rows as arguments measure only these, "all" everything."""
import json
import os
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.abspath(f"{HERE}/../..")
sys.path.insert(0, f"{ROOT}/tests/e2e")
import nwims
import fleet
import hits
import replica
import room

ROUNDS = int(os.environ.get("NWIMS_BENCH_ROUNDS", "5"))
BIN = os.path.join(ROOT, os.environ.get("NWIMS_OUT", "build"), "release/bin")
VAR = os.environ["NWIMS_VAR"]
SENSORS, CONNECTIONS, CALLS, PER_CALL = 1000, 16, 40, 1000
ROWS = CONNECTIONS * CALLS * PER_CALL
results = {}


def run_json(*argv, **more):
    out = subprocess.run([str(a) for a in argv], capture_output=True, text=True, **more)
    if out.returncode != 0 or not out.stdout.strip():
        raise SystemExit(f"{argv[0]} failed: {out.stderr.strip()[:600]}")
    return json.loads(out.stdout.strip().splitlines()[-1])


def psql(sql, url=None):
    return subprocess.run(["psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-d", url or OWNER_URL, "-c", sql], capture_output=True, text=True, check=True).stdout.strip()


def read(path):
    with open(path) as file:
        return file.read().strip()


OWNER_URL = read(os.environ["NWIMS_OWNER_URL_FILE"])
ADMIN_URL = read(os.environ["NWIMS_SUPERUSER_URL_FILE"])
day = 0
filled = []  # the partitions that batch-writer filled


def fresh_day():
    """Each measurement writes into days of its own, so that no row is there already."""
    global day
    day += 7
    return time.strftime("%Y-%m-%dT00:00:00Z", time.gmtime(1577836800 + day * 86400))


def checkpoint():
    psql("CHECKPOINT", ADMIN_URL)


def load(url, token, start, prefix="BENCH-"):
    got = run_json(f"{BIN}/nwims-load", "--url", url, "--token", token, "--start", start, "--connections", CONNECTIONS, "--calls", CALLS,
                   "--readings", PER_CALL, "--sensors", SENSORS, "--prefix", prefix)
    if got["failed_calls"]:
        raise SystemExit(f"{got['failed_calls']} calls to {url} failed: {got['fault']}")
    return got["readings_per_second"]


def partition(start):
    """Makes the partition of a time exist by one reading through the front door; its name."""
    answer = client.post("/batch/readings", [{"sensor_id": "BENCH-00000", "value": 1, "timestamp": start.replace("00:00:00", "23:59:59")}])
    assert answer.status == 200, answer
    return psql("SELECT tableoid::regclass FROM telemetry.reading WHERE observed_at = '%s' LIMIT 1" % start.replace("00:00:00", "23:59:59"))


def copy(clients, per_transaction, rows):
    start = fresh_day()
    table = partition(start)
    checkpoint()
    return run_json(f"{BIN}/nwims-copy", "--url", OWNER_URL, "--table", table, "--start", start, "--rows", rows, "--per-transaction", per_transaction,
                    "--clients", clients, "--sensors", SENSORS)["rows_per_second"]


def nwims_batch():
    start = fresh_day()
    filled.append(partition(start))
    checkpoint()
    return load(f"{os.environ['NWIMS_URL']}/api/v1/batch/readings", client.token, start)


class Seed:
    """The seed's stack with two workers, on a database of its own on the same server."""

    def __init__(self, engine, port):
        self.dsn = ADMIN_URL.rsplit("/", 1)[0] + "/seed"
        if not psql("SELECT 1 FROM pg_database WHERE datname = 'seed'", ADMIN_URL):
            psql("CREATE DATABASE seed", ADMIN_URL)
        psql("CREATE TABLE IF NOT EXISTS sensor_reading (sensor_id varchar(64), timestamp timestamptz, value float8, unit varchar(16), PRIMARY KEY (sensor_id, timestamp))", self.dsn)
        self.url = f"http://127.0.0.1:{port}/api/v1/batch/readings"
        environment = {**os.environ, "ENGINE": engine, "DSN": self.dsn, "PYTHONPATH": f"{HERE}/seed"}
        self.process = subprocess.Popen(["/usr/bin/python3", "-m", "uvicorn", "app:app", "--port", str(port), "--workers", "2", "--log-level", "error"],
                                        env=environment, start_new_session=True, stdout=subprocess.DEVNULL)
        wait_for(port)

    def measure(self):
        psql("TRUNCATE sensor_reading", self.dsn)
        checkpoint()
        return load(self.url, "none", fresh_day())

    def memory_mib(self, of):
        """Of all its processes; of: rss_mib or pss_mib."""
        pids = subprocess.run(["pgrep", "-g", str(os.getpgid(self.process.pid))], capture_output=True, text=True).stdout.split()
        return sum(of(p) for p in pids)

    def stop(self):
        os.killpg(self.process.pid, signal.SIGTERM)
        self.process.wait()


def wait_for(port):
    end = time.monotonic() + 20
    while time.monotonic() < end:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.1)
    raise SystemExit(f"nobody listens on port {port}")


def mib_of(file, field):
    try:
        for line in open(file):
            if line.startswith(field):
                return int(line.split()[1]) / 1024
    except OSError:
        pass
    return 0.0


def rss_mib(pid):
    return mib_of(f"/proc/{pid}/status", "VmRSS:")


def pss_mib(pid):
    """Resident memory in which a page that several processes map counts to each in part: a sum of these counts no page twice."""
    return mib_of(f"/proc/{pid}/smaps_rollup", "Pss:")


def stack_pids():
    out, runner = {}, os.environ["NWIMS_RUNNER_PID"]
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            name, rest = open(f"/proc/{pid}/stat").read().split("(", 1)[1].rsplit(")", 1)
            if rest.split()[1] == runner:
                out[name] = int(pid)
        except OSError:
            pass
    return out


def writer():
    """Readings committed from JetStream: the writer is stopped still, the stream filled by callers that do not wait, then the writer let go."""
    start = fresh_day()
    filled.append(partition(start))
    checkpoint()
    pid = stack_pids()["batch-writer"]
    before = stored()
    os.kill(pid, signal.SIGSTOP)
    try:
        subprocess.run([f"{BIN}/nwims-load", "--url", f"{os.environ['NWIMS_URL']}/api/v1/batch/readings", "--token", client.token, "--start", start,
                        "--connections", str(CONNECTIONS), "--calls", str(CALLS), "--readings", str(PER_CALL), "--sensors", str(SENSORS), "--async"],
                       capture_output=True, check=True)
    finally:
        os.kill(pid, signal.SIGCONT)
    began = time.monotonic()
    while stored() - before < ROWS:
        if time.monotonic() - began > 120:
            raise SystemExit(f"the writer stored {stored() - before} of {ROWS}")
        time.sleep(0.005)
    return ROWS / (time.monotonic() - began)


def stored():
    """What batch-writer says it has committed; its own metric, so that looking costs PostgreSQL nothing."""
    import http.client
    host, port = os.environ["NWIMS_BATCH_WRITER_ADMIN"].split(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=30)
    connection.request("GET", "/metrics")
    text = connection.getresponse().read().decode()
    connection.close()
    return sum(float(v) for v in re.findall(r"^nwims_batch_writer_readings_stored_total(?:\{[^}]*\})? (\S+)", text, re.M))


def wrk(url, token=None):
    argv = ["wrk", "-t1", "-c64", "-d3s", "--latency", url]
    if token:
        argv[1:1] = ["-H", f"Authorization: Bearer {token}"]
    out = subprocess.run(argv, capture_output=True, text=True, check=True).stdout
    if "Non-2xx" in out:
        raise SystemExit(out)
    p99 = re.search(r"99%\s+([\d.]+)(us|ms|s)", out)
    return float(re.search(r"Requests/sec:\s+([\d.]+)", out).group(1)), float(p99.group(1)) * {"us": 0.001, "ms": 1, "s": 1000}[p99.group(2)]


class Nginx:
    def __init__(self, body, port):
        self.folder = os.environ["NWIMS_SCRATCH"] + "/nginx"
        shutil.rmtree(self.folder, ignore_errors=True)
        os.makedirs(self.folder)
        with open(f"{self.folder}/nginx.conf", "w") as file:
            file.write("daemon off; worker_processes 2; pid %s/pid; error_log /dev/null; events { worker_connections 1024; }\n"
                       "http { access_log off; keepalive_requests 1000000; client_body_temp_path %s; proxy_temp_path %s; fastcgi_temp_path %s; uwsgi_temp_path %s; scgi_temp_path %s;\n"
                       "server { listen 127.0.0.1:%d; location / { default_type application/json; return 200 '%s'; } } }\n"
                       % (*[self.folder] * 6, port, body.replace("'", "")))
        self.process = subprocess.Popen(["nginx", "-c", f"{self.folder}/nginx.conf"], stderr=subprocess.DEVNULL)
        self.url = f"http://127.0.0.1:{port}/"
        wait_for(port)

    def stop(self):
        self.process.terminate()
        self.process.wait()


def median(values):
    return statistics.median(values)


def row(name, what, value, unit, beside=None, beside_what="", ratio=None, goal="", **more):
    results[name] = {"what": what, "value": value, "unit": unit, "beside": beside, "beside_what": beside_what, "ratio": ratio, "goal": goal, **more}
    print(f"  {name:<12} {value:>12,.1f} {unit:<12} {'' if beside is None else f'{beside:>12,.1f}'} {beside_what:<44} {'' if ratio is None else f'{ratio:6.2f}'}  {goal}", flush=True)


# ---- the rows, by the names that scripts/bench takes; each alone finds all it needs in the stack ----

CARRIERS = ("gateway", "registry", "identity", "batch-writer", "redis-server", "nats-server")


def batch_rows():
    seeds = {"bulk": Seed("bulk", 28990), "copy": Seed("copy", 28991)}
    batches, copies, seed_rates = [], [], {"bulk": [], "copy": []}
    for _ in range(ROUNDS):
        batches.append(nwims_batch())
        copies.append(copy(1, 1000, ROWS))
        for name, seed in seeds.items():
            seed_rates[name].append(seed.measure())
    seed_memory = {name: seed.memory_mib(rss_mib) for name, seed in seeds.items()}
    seed_shared = {name: seed.memory_mib(pss_mib) for name, seed in seeds.items()}
    ours = {name: rss_mib(pid) for name, pid in stack_pids().items() if name in CARRIERS}
    shared = sum(pss_mib(pid) for name, pid in stack_pids().items() if name in CARRIERS)
    for seed in seeds.values():
        seed.stop()
    row("batch", "POST /batch/readings, 1,000 a call", median(batches), "readings/s", median(copies), "binary COPY, 1 client, 1,000 a transaction", median(batches) / median(copies), ">= 0.7")
    row("seed-bulk", "the same", median(batches), "readings/s", median(seed_rates["bulk"]), "FastAPI + SQLAlchemy bulk insert, 2 workers", median(batches) / median(seed_rates["bulk"]), ">= 4")
    row("seed-copy", "the same", median(batches), "readings/s", median(seed_rates["copy"]), "FastAPI + asyncpg COPY, 2 workers", median(batches) / median(seed_rates["copy"]), ">= 1.5")
    for name, what in (("bulk", "FastAPI + SQLAlchemy"), ("copy", "FastAPI + asyncpg")):
        row(f"seed-{name}-mem", "memory of all that carries a batch, PostgreSQL aside, after the load", sum(ours.values()), "MiB", seed_memory[name], f"{what}, 2 workers",
            sum(ours.values()) / seed_memory[name], "< 1", parts=ours)
        row(f"seed-{name}-pss", "the same, pages that are shared counted once", shared, "MiB", seed_shared[name], f"{what}, 2 workers", shared / seed_shared[name], "< 1")
    print("  " + ", ".join(f"{name} {size:.0f}" for name, size in sorted(ours.items())), flush=True)
    results["seed_memory"] = seed_memory


def writer_rows():
    writers, copies = [], []
    for _ in range(ROUNDS):
        writers.append(writer())
        copies.append(copy(2, 10000, ROWS))
    row("writer", "from JetStream into PostgreSQL", median(writers), "readings/s", median(copies), "binary COPY, 2 clients, 10,000 a transaction", median(writers) / median(copies), ">= 0.9")


def cached_get_rows():
    """Both servers stand in the session of wrk. The kernel shares the processors out by session (sched_autogroup_enabled): whoever stands in another waits behind
    wrk, threads far more than an event loop, and what that costs is no server's doing. So it is another replica of the gateway that is asked, not the stack's own.
    Both are sent the same request, token and all, over as many connections, and give the same body; neither is bound to a processor. nginx spared the token has a
    row of its own. A gateway does without its cache in its first second, and all have a round before the first that counts. Each round is a ratio of its own, so
    that what else the machine does weighs on both."""
    body = client.get("/sensors/BENCH-00000").body.decode()
    nginx = Nginx(body, 28992)
    rounds = []
    try:
        with replica.Gateway(**replica.stack_redis("gateway")) as gateway:
            hits.wait_until(lambda: hits.in_use(client))
            for _ in range(1 + ROUNDS):
                rounds.append((wrk(f"{gateway.url}/api/v1/sensors/BENCH-00000", client.token), wrk(nginx.url, client.token), wrk(nginx.url)))
    finally:
        nginx.stop()
    rates, p99s = ([[server[figure] for server in servers] for servers in rounds[1:]] for figure in (0, 1))

    def compare(name, what, unit, figures, beside, beside_what, goal):
        ours, theirs = (median(figure[server] for figure in figures) for server in (0, beside))
        row(name, what, ours, unit, theirs, beside_what, median(figure[0] / figure[beside] for figure in figures), goal, rounds=figures)

    compare("cached-get", "GET /sensors/{id}", "requests/s", rates, 1, "nginx, the same request and bytes", ">= 0.6")
    compare("cached-p99", "its 99th percentile", "ms", p99s, 1, "nginx", "<= 2")
    compare("cached-bare", "GET /sensors/{id}", "requests/s", rates, 2, "nginx, sent no token", "")


def hits_rows():
    hits.rows(row, client, stack_pids)
    client.login(client.email, client.password)


def bytes_rows():
    if not filled:
        nwims_batch()
    room.rows(row, psql, filled, stack_pids()["batch-writer"])


def fleet_rows():
    fleet.rows(row, stored, f"{BIN}/nwims-device-load", os.environ["NWIMS_SCRATCH"])
    client.login(client.email, client.password)


def memory_rows():
    """After whatever was measured before; then idle."""
    memory = {name: rss_mib(pid) for name, pid in stack_pids().items()}
    for name in ("gateway", "identity", "registry", "ingest-http", "ingest-mqtt", "batch-writer", "history"):
        if name in memory:
            row("memory", f"{name} after the load", memory[name], "MiB", None, f"{name}, after the load", None, "")
    results["memory"] = {"after_load_mib": memory, "seed_mib": results.pop("seed_memory", None)}
    idle_memory()


MEASUREMENTS = {"batch": batch_rows, "writer": writer_rows, "cached-get": cached_get_rows, "hits": hits_rows, "bytes": bytes_rows, "fleet": fleet_rows, "memory": memory_rows}


def main(names):
    global client
    print(f"bench: {ROUNDS} rounds, medians; {os.cpu_count()} cores", flush=True)
    client = nwims.tenant("bench")
    for i in range(SENSORS):
        nwims.sensor(client, f"BENCH-{i:05}", "pressure", "bar")
    client.login(client.email, client.password)
    print(f"  {'name':<12} {'NWIMS':>25} {'beside':>12} {'':<44} {'ratio':>6}  goal")
    for name, measure in MEASUREMENTS.items():
        if names == ["all"] or name in names:
            measure()
    if names == ["all"]:
        with open(os.path.join(ROOT, "build", "bench.json"), "w") as file:
            json.dump(results, file, indent=1)
        print("written: build/bench.json")


def idle_memory():
    """The same processes started anew and left alone for a few seconds."""
    for name, pid in stack_pids().items():
        if name in ("gateway", "identity", "registry", "ingest-http", "ingest-mqtt", "batch-writer", "history"):
            os.kill(pid, signal.SIGKILL)
    time.sleep(8)
    memory = {name: rss_mib(pid) for name, pid in stack_pids().items()}
    results["memory"]["idle_mib"] = memory
    for name in ("gateway", "identity", "registry", "ingest-http", "ingest-mqtt", "batch-writer", "history"):
        row("memory", "an idle service", memory.get(name, 0), "MiB", None, f"{name}, idle", None, "<= 16")


if __name__ == "__main__":
    main(sys.argv[1:])
