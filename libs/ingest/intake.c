#include "auth/auth.h"
#include "base/clock.h"
#include "base/uuid.h"
#include "ingest/batch_publish.h"
#include "ingest/intake_internal.h"
#include "metrics/metrics.h"
#include <stdlib.h>
#include <string.h>

enum { MOST_WAITING = 4096, LONGEST_KEY = 255 };
/* What batch-writer takes at most; beyond it a reading would be accepted here and set aside there. */
#define WRITER_OLDEST_AT INT64_C(946684800000000) /* 2000-01-01 */
#define WRITER_FUTURE_MS INT64_C(86400000)

bool intake_open(struct intake **out_intake, struct bus *bus, struct directory *directory,
    const struct intake_config *config, struct err *err)
{
    if (config->oldest_at < WRITER_OLDEST_AT || config->future_ms < 0 || config->future_ms >= WRITER_FUTURE_MS)
        return err_set(err, ERR_CONFIG,
            "readings are from 2000 on and less than a day ahead of our clock: check the bounds for their times");
    AUTO(intake) intake = calloc(1, sizeof *intake);
    if (!intake)
        return err_set(err, ERR_LIMIT, "no memory for the intake");
    intake->bus = bus;
    intake->directory = directory;
    intake->config = *config;
    refusal_sink_init(&intake->refusals, bus);
    intake->received = metrics_counter("nwims_ingest_received_total", NULL, "Readings decoded");
    intake->accepted = metrics_counter("nwims_ingest_accepted_total", NULL, "Readings that the stream has stored");
    intake->pushed_back = metrics_counter("nwims_ingest_pushed_back_total", NULL,
        "Readings whose sender was told to try again: stream full, bus or registry away");
    if (!bus_inbox_open(&intake->inbox, bus, MOST_WAITING, err))
        return false;
    *out_intake = TAKE(intake);
    return true;
}

void intake_close(struct intake *intake)
{
    if (!intake)
        return;
    bus_inbox_close(intake->inbox);
    free(intake);
}

/* A repeat has the same id only if it comes from the same device, as another's bytes may mean other sensors, and if the
 * same readings of it are good: a sensor registered meanwhile makes it another batch. */
static struct uuid batch_id_of(const struct intake_request *request, size_t good_count)
{
    unsigned char bytes[sizeof(int32_t) + sizeof(uint64_t) + SHA256_SIZE + UUID_TEXT_SIZE + LONGEST_KEY + 1] = { 0 };
    size_t key_length = request->idempotency_key ? strnlen(request->idempotency_key, LONGEST_KEY + 1) : 0;
    uint64_t count = good_count;
    unsigned char *at = bytes;
    if (key_length == 0 || key_length > LONGEST_KEY)
        return uuid_new();
    memcpy(at, &request->caller->tenant_id, sizeof request->caller->tenant_id);
    at += sizeof request->caller->tenant_id;
    memcpy(at, &count, sizeof count);
    at += sizeof count;
    auth_sha256(at, request->body, request->body_size);
    at += SHA256_SIZE;
    if (request->device_id)
        memcpy(at, request->device_id, strnlen(request->device_id, UUID_TEXT_SIZE));
    at += UUID_TEXT_SIZE;
    memcpy(at, request->idempotency_key, key_length);
    return uuid_of_bytes(bytes, (size_t)(at - bytes) + key_length);
}

static bool check_request(const struct intake_request *request, const struct raw_readings *readings, struct err *err)
{
    if (request->caller->tenant_id <= 0)
        return err_set(err, ERR_BUG, "readings without a tenant");
    if (readings->count == 0)
        return err_set(err, ERR_INPUT, "there is no reading in the body");
    if (readings->count > INTAKE_MOST_READINGS)
        return err_set(err, ERR_LIMIT, "%zu readings are too many for one request: the most is %d", readings->count,
            INTAKE_MOST_READINGS);
    return true;
}

static bool refuse_all(struct err *err, const struct refusals *refusals, size_t received)
{
    return err_set(
        err, ERR_INPUT, "%lld of %zu readings are wrong, nothing was taken", (long long)refusals->total, received);
}

/* The time of a request is the same in its batch, in what is kept of it, and when that is taken up again. */
static struct intake_request with_time(const struct intake_request *request)
{
    struct intake_request timed = *request;
    if (timed.received_at == 0)
        timed.received_at = clock_now_us();
    return timed;
}

bool intake_take(struct intake *intake, const struct intake_request *wanted, const struct raw_readings *readings,
    struct arena *arena, struct intake_result *out_result, struct err *err)
{
    const struct intake_request timed = with_time(wanted), *request = &timed;
    const struct batch_source source = { &intake->config, request, readings, request->received_at, false };
    const struct batch_outlet outlet = { intake->bus, intake->inbox, intake->config.publish_ms };
    struct batch_columns columns = { 0 };
    struct refusals refusals;
    *out_result = (struct intake_result){ .received = (int64_t)readings->count };
    if (!check_request(request, readings, err) || !refusals_init(&refusals, arena, readings->count, err))
        return false;
    metric_add(intake->received, readings->count);
    if (!batch_build(&columns, intake->directory, &source, &refusals, arena, err)) {
        metric_add(intake->pushed_back, readings->count);
        return false;
    }
    out_result->refused = refusals.total;
    out_result->faults = refusals.faults;
    out_result->fault_count = refusals.fault_count;
    /* Readings that are refused have come all the same: their numbers are not missing. */
    bool has_marks = readings->mark_count > 0 && request->device_id && request->mode == INTAKE_SKIP_BAD;
    bool is_nothing_left = columns.count == 0 || (request->mode == INTAKE_ALL_OR_NOTHING && refusals.total > 0);
    struct uuid id = batch_id_of(request, columns.count);
    uuid_format(out_result->batch_id, &id);
    if ((!is_nothing_left || has_marks) && !batch_publish(&outlet, &source, &columns, &id, out_result, arena, err)) {
        metric_add(intake->pushed_back, readings->count);
        return false;
    }
    /* Only now: a request that is sent again would be refused again. */
    if (refusals.total > 0 && !request->is_replay)
        refusal_sink_take(&intake->refusals, request, readings->codec, (int64_t)readings->count, &refusals);
    metric_add(intake->accepted, (uint64_t)out_result->accepted);
    return !is_nothing_left || refuse_all(err, &refusals, readings->count);
}

void intake_refuse(struct intake *intake, const struct intake_request *wanted, const char *reason, const char *detail)
{
    const struct intake_request request = with_time(wanted);
    enum refusal_reason known = REFUSAL_MALFORMED;
    for (enum refusal_reason i = 0; i < REFUSAL_REASONS; i++)
        if (strcmp(refusal_reason_name(i), reason) == 0)
            known = i;
    metric_add(intake->refusals.refused[known], 1);
    refusal_sink_keep(&intake->refusals, &request, NULL, known, detail, 0);
}
