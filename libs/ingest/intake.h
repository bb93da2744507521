/* The way of readings from a decoded body to the stream, shared by every ingest and the gateway: names resolved, units
 * converted, times and values checked, refusals kept, one columnar batch published, the commit waited for if wanted. */
#pragma once
#include "base/arena.h"
#include "bus/bus.h"
#include "bus/bus_inbox.h"
#include "ingest/directory.h"
#include "ingest/sequence_mark.h"

/* One reading as decoded, before any check; texts point into the body or the arena. */
struct raw_reading {
    const char *sensor;
    size_t sensor_length;
    const char *unit; /* NULL: the sensor's own */
    size_t unit_length;
    double value;
    int64_t observed_at; /* when has_time */
    uint32_t status;     /* OPC UA */
    bool has_time;
    const char *fault;       /* NULL, or why this item alone is wrong ("value is not a number") */
    const char *fault_field; /* "value", "sensor_id", ... */
};
struct raw_readings {
    struct raw_reading *items; /* in the arena, or grown by the codec */
    size_t count;
    const char *codec;                 /* "json", "senml-json" */
    const struct sequence_mark *marks; /* what the body says of its records' own numbers */
    size_t mark_count;
};

enum { INTAKE_MOST_READINGS = 100000 };

/* flags, as stored */
enum reading_flag {
    READING_LATE = 1 << 0,
    READING_CLOCK_FUTURE = 1 << 1,
    READING_CLOCK_MISSING = 1 << 2,
    READING_RANGE_LOW = 1 << 3,
    READING_RANGE_HIGH = 1 << 4,
    READING_CONVERTED = 1 << 5,
};
enum { STATUS_GOOD = 0, STATUS_UNCERTAIN = 0x40000000 };

enum intake_mode {
    INTAKE_ALL_OR_NOTHING, /* any bad reading: nothing is published */
    INTAKE_SKIP_BAD,       /* the good ones are published, the bad ones reported */
};
struct intake_fault {
    size_t index;
    const char *field;
    const char *
        reason_code; /* unknown_sensor, disabled_sensor, foreign_sensor, unknown_unit, bad_value, bad_time, malformed */
    const char *detail; /* for people, says what to do */
};
struct intake_result {
    char batch_id[37];
    uint64_t stream_sequence; /* where it is in READINGS; 0: it went in several parts, or not at all */
    int64_t received;
    int64_t accepted;  /* published */
    int64_t refused;   /* the bad ones; with all-or-nothing the good ones beside them were not taken either */
    bool is_repeat;    /* the stream had it all already: the same request under its idempotency key */
    bool is_committed; /* stored and duplicate are known */
    int64_t stored;
    int64_t duplicate;
    struct intake_fault *faults; /* in the arena, at most INTAKE_MOST_FAULTS; refused counts all */
    size_t fault_count;
};
enum { INTAKE_MOST_FAULTS = 1000 };

/* Clocks of devices that were never set say 1970 or 2000: what they date before 2015 has no time. */
#define INTAKE_DEVICES_OLDEST_AT INT64_C(1420070400000000)

struct intake;
struct intake_config {
    int64_t oldest_at;  /* readings before this have no believable time; microseconds since the epoch */
    int64_t future_ms;  /* how far ahead of ours a clock may be */
    bool keep_future;   /* devices: keep the value, mark it, take our time; callers: refuse */
    int64_t publish_ms; /* for JetStream's acknowledgement */
};
struct intake_request {
    const struct rpc_caller *caller; /* its tenant */
    const char *protocol;            /* "http", "api": the subject's last token */
    const char *device_id;           /* or NULL */
    const char *content_type;        /* says all that is needed to read the body again: kept_body.h */
    const char *idempotency_key; /* or NULL: with it the batch id is made from tenant, key and body, so that a repeat is
                                    recognised */
    const char *body;            /* for REFUSED */
    size_t body_size;
    int64_t received_at; /* when it came, by which times of ours and relative ones go; 0: now */
    bool is_replay;      /* of what is kept already: what is bad again is neither kept nor counted once more */
    enum intake_mode mode;
    int64_t commit_wait_ms; /* 0: return when JetStream has it */
};
MUST_CHECK bool intake_open(struct intake **out_intake, struct bus *bus, struct directory *directory,
    const struct intake_config *config, struct err *err);
void intake_close(struct intake *intake);
AUTO_DEFINE(intake, intake_close)
/* ERR_INPUT with out_result filled when all-or-nothing met a bad reading, or when none was good; ERR_LIMIT when the
 * stream is full or there are too many readings; ERR_DEADLINE when JetStream did not answer: nothing is known, the same
 * request may be sent again. When the commit is not known in time, true with is_committed false. */
MUST_CHECK bool intake_take(struct intake *intake, const struct intake_request *request,
    const struct raw_readings *readings, struct arena *arena, struct intake_result *out_result, struct err *err);
/* Keeps a body of an authenticated sender that could not even be decoded, as intake_take does with bad readings; quiet
 * when REFUSED is full or away. reason: one of those of struct intake_fault. */
void intake_refuse(struct intake *intake, const struct intake_request *request, const char *reason, const char *detail);
