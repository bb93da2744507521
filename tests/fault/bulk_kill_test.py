#!/usr/bin/env python3
"""Bulk operations while processes of the running stack are killed with SIGKILL. A batch of 100,000 readings whose last one is bad leaves the table as it was,
whoever dies meanwhile; a good one is there as a whole or not at all whenever one looks. A bulk job goes on after its service was killed and ends exactly: each
item done once. NWIMS_BULK_ROWS says how many items a job has (3000)."""
import glob
import json
import os
import signal
import subprocess
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "../e2e"))
sys.path.insert(0, HERE)
import forgery
import kill_test
import nwims

ROWS = int(os.environ.get("NWIMS_BULK_ROWS", "3000"))
READINGS = 100000
PSQL = sorted(glob.glob("/usr/lib/postgresql/*/bin/psql"))[-1]


def ask(schema, sql, tries=100):
    """As the schema's owner; waits for a PostgreSQL that was killed."""
    for _ in range(tries):
        out = subprocess.run([PSQL, "-XqAt", "-F", " ", "-v", "ON_ERROR_STOP=1", forgery.secret(f"url-nwims_{schema}_owner"), "-c", sql], capture_output=True, text=True)
        if out.returncode == 0:
            return [int(field) for field in out.stdout.split()]
        time.sleep(0.2)
    raise AssertionError(out.stderr)


def kill(name):
    pid = kill_test.victims().get(name)
    assert pid, f"{name} does not run: {kill_test.victims()}"
    os.kill(pid, signal.SIGKILL)


def table(probe):
    """All but what this test itself asks with whether the system is well."""
    return ask("batch_writer", f"SELECT count(*), coalesce(max(xmin::text::bigint), 0) FROM telemetry.reading WHERE sensor_no <> {probe}")


def batch(sensor, minute, is_bad):
    start = 1700000000 + minute * READINGS
    readings = [{"sensor_id": sensor, "value": i % 100, "timestamp": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(start + i))} for i in range(READINGS)]
    if is_bad:
        readings[-1]["value"] = "not a number"
    return json.dumps(readings).encode()


class Caller(threading.Thread):
    """Sends a body once, or until it is answered with 200; the answer or why there is none."""

    def __init__(self, client, body, until_done=False):
        super().__init__(daemon=True)
        self.client, self.body, self.until_done, self.answers = nwims.Client(token=client.token, timeout=90), body, until_done, []

    def run(self):
        until = time.monotonic() + 150
        while time.monotonic() < until:
            try:
                self.answers.append(self.client.call("POST", "/api/v1/batch/readings", self.body, retry=False).status)
            except Exception as error:  # the gateway was killed: no answer at all
                self.answers.append(type(error).__name__)
            if not self.until_done or self.answers[-1] == 200:
                return
            time.sleep(0.3)


def refused_batches_leave_the_table_as_it_was(client):
    probe = nwims.sensor(client, "PROBE")["sensor_no"]
    nwims.sensor(client, "BAD-LAST")
    assert client.post("/batch/readings", [{"sensor_id": "BAD-LAST", "value": 1, "timestamp": "2024-02-01T00:00:00Z"}]).status == 200
    body, before = batch("BAD-LAST", 0, True), table(probe)
    assert before[0] > 0, before
    for victim, wait_s in ((None, 0), ("gateway", 0.05), ("gateway", 0.3), ("batch-writer", 0.1), ("postgres", 0.1)):
        caller = Caller(client, body)
        caller.start()
        if victim:
            time.sleep(wait_s)
            kill(victim)
        caller.join()
        assert caller.answers[0] != 200, "a batch with a bad reading was taken"
        kill_test.wait_until_well(nwims.Client(token=client.token, timeout=20), "PROBE")
        after = table(probe)
        assert after == before, f"{victim}: the table changed though nothing was taken: {before} -> {after}"
        print(f"{READINGS} with a bad last one, killed {victim}: answered {caller.answers[0]}, count and newest xmin {after} as before", flush=True)


def good_batches_are_there_as_a_whole_or_not_at_all(client):
    for at, victim in enumerate(("batch-writer", "postgres", "gateway")):
        sensor = f"WHOLE-{at}"
        made = nwims.sensor(client, sensor)
        count = f"SELECT count(*) FROM telemetry.reading WHERE sensor_no = {made['sensor_no']}"
        caller, seen = Caller(client, batch(sensor, at + 1, False), until_done=True), set()
        caller.start()
        time.sleep(0.4)
        kill(victim)
        while caller.is_alive():
            seen.update(ask("batch_writer", count))
            time.sleep(0.05)
        kill_test.wait_until_well(nwims.Client(token=client.token, timeout=20), "PROBE")
        seen.update(ask("batch_writer", count))
        assert caller.answers[-1] == 200, f"{victim}: never acknowledged: {caller.answers}"
        assert seen <= {0, READINGS} and READINGS in seen, f"{victim}: seen while it was stored: {sorted(seen)}"
        print(f"{READINGS} good, killed {victim}: answers {caller.answers}, counts seen {sorted(seen)}", flush=True)


def job_of(client, path):
    try:
        answer = client.call("GET", path)
        return answer.json if answer.status == 200 else None
    except OSError:
        return None


def kill_amid(client, answer, state, limit_s=150):
    """Kills the registry once the job is at work and not yet at its end; the job as it ended."""
    assert answer.status == 202, answer
    path, until, kills = answer.headers["Location"], time.monotonic() + limit_s, 0
    while time.monotonic() < until:
        job = job_of(client, path)
        if job and job["state"] not in ("queued", "running"):
            assert job["state"] == state, job
            return job, kills
        if job and kills < 2 and job["done"] > (0 if kills == 0 else ROWS // 2):
            kill("registry")
            kills += 1
        time.sleep(0.02)
    raise AssertionError(f"the job did not end: {job}")


def counts(job):
    return tuple(job[name] for name in ("done", "created", "updated", "unchanged", "failed"))


def jobs_go_on_where_they_were(client, tenant_id):
    census = f"SELECT count(*), coalesce(sum(version), 0), coalesce(max(version), 0) FROM registry.sensor WHERE tenant_id = {tenant_id} AND code LIKE 'JOB-%'"
    parts = "SELECT count(*) FROM registry.job_part"
    rows = "".join(f"JOB-{i:06},flow\n" + ("BAD,nonsense\n" if i == ROWS // 2 else "") for i in range(ROWS))
    answer = client.post("/sensors/import?on_error=skip", ("code,kind\n" + rows).encode(), {"Content-Type": "text/csv"})
    job, kills = kill_amid(client, answer, "done")
    assert counts(job) == (ROWS + 1, ROWS, 0, 0, 1), job
    assert ask("registry", census) == [ROWS, ROWS, 1], "each was made once"
    print(f"import of {ROWS} in steps, killed {kills} times: {counts(job)}", flush=True)
    answer = client.post("/batch/sensors/update", {"filter": {"code_prefix": "JOB-"}, "set": {"name": "once"}})
    job, kills = kill_amid(client, answer, "done")
    assert counts(job) == (ROWS, 0, ROWS, 0, 0), job
    assert ask("registry", census) == [ROWS, 2 * ROWS, 2], "each was changed once"
    print(f"all-or-nothing update of {ROWS}, killed {kills} times: {counts(job)}", flush=True)
    answer = client.post("/batch/sensors/update", {"ids": [f"JOB-{i:06}" for i in range(ROWS)] + ["NO-SUCH"], "set": {"name": "never"}})
    job, kills = kill_amid(client, answer, "failed")
    assert counts(job) == (ROWS + 1, 0, 0, 0, 1), job
    assert ask("registry", census) == [ROWS, 2 * ROWS, 2], "none was changed"
    assert ask("registry", parts) == [0], "the input of jobs that are over is gone"
    print(f"all-or-nothing update of {ROWS} with one bad, killed {kills} times: {counts(job)}", flush=True)


def main():
    client = nwims.tenant("bulk-fault")
    refused_batches_leave_the_table_as_it_was(client)
    good_batches_are_there_as_a_whole_or_not_at_all(client)
    jobs_go_on_where_they_were(client, client.tenant_id)
    print("3 passed, 0 failed")


if __name__ == "__main__":
    main()
