"""How much room a reading takes in PostgreSQL, in the partitions that batch-writer filled: as written, and after its compactor has built the indexes anew.
The load is sensors that report in turn, which is what leaves an index half empty."""
import os
import signal
import subprocess
import time

import replica

REST_S = 180


def size_of(psql, partitions):
    names = ",".join(f"'{name}'" for name in partitions)
    size, rows = psql(f"SELECT sum(pg_total_relation_size(p::regclass)), (SELECT count(*) FROM telemetry.reading WHERE tableoid::regclass::text IN ({names})) FROM unnest(ARRAY[{names}]) p").split("|")
    return int(size), int(rows)


def loose(psql, partitions):
    return int(psql("SELECT count(*) FROM unnest(ARRAY[%s]) p WHERE pg_indexes_size(p::regclass) > pg_relation_size(p::regclass) / 2" % ",".join(f"'{name}'" for name in partitions)))


def compact(psql, partitions, pid):
    """Another replica of the process, one that does not wait for an hour; how long it takes."""
    with open(f"/proc/{pid}/environ") as file:
        environment = dict(line.split("=", 1) for line in file.read().split("\0") if "=" in line)
    environment.update(LOG_LEVEL="error", ADMIN_ADDRESS=f"127.0.0.1:{replica.free_port()}", COMPACT_AFTER_MS="1000", DRAIN_DELAY_MS="0")
    process = subprocess.Popen([f"{os.environ['NWIMS_VAR']}/bin/batch-writer"], env=environment)
    try:
        began = time.monotonic()
        while loose(psql, partitions):
            if time.monotonic() - began > REST_S:
                raise SystemExit(f"{loose(psql, partitions)} partitions are not compact after {REST_S} s")
            time.sleep(0.1)
        return time.monotonic() - began
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()


def rows(row, psql, partitions, pid):
    written, count = size_of(psql, partitions)
    seconds = compact(psql, partitions, pid)
    rest, _ = size_of(psql, partitions)
    row("bytes", "a reading in PostgreSQL with its index, at rest", rest / count, "bytes", 163, "ThingsBoard's", None, "<= 95", readings=count, compacted_in_s=seconds)
    row("bytes-new", "the same as written, before it is compacted", written / count, "bytes", 163, "ThingsBoard's", None, "", readings=count)
