#include "replay.h"
#include "base/text.h"
#include "ingest/kept_body.h"
#include <stdlib.h>
#include <string.h>

enum { MOST_SENSORS = 50000, ABSENT_MS = 2000, KEEP_MS = 60000, FUTURE_MS = 300000, PUBLISH_MS = 5000 };

struct replay_desk {
    struct directory *directory;
    struct intake *intake;
};

/* The rules for times are those of the ways in. */
bool replay_desk_open(struct replay_desk **out_desk, struct bus *bus, struct err *err)
{
    const struct directory_config sensors = {
        .most_sensors = MOST_SENSORS, .most_credentials = 1000, .absent_ms = ABSENT_MS, .keep_ms = KEEP_MS
    };
    const struct intake_config rules = {
        .oldest_at = INTAKE_DEVICES_OLDEST_AT, .future_ms = FUTURE_MS, .keep_future = true, .publish_ms = PUBLISH_MS
    };
    AUTO(replay_desk) desk = calloc(1, sizeof *desk);
    if (!desk)
        return err_set(err, ERR_LIMIT, "no memory to take refused readings up again");
    if (!directory_open(&desk->directory, bus, &sensors, err) ||
        !intake_open(&desk->intake, bus, desk->directory, &rules, err))
        return false;
    *out_desk = TAKE(desk);
    return true;
}

void replay_desk_close(struct replay_desk *desk)
{
    if (!desk)
        return;
    intake_close(desk->intake);
    directory_close(desk->directory);
    free(desk);
}

/* ---- one ---- */
enum place { ID, STATE, PROTOCOL, DEVICE_ID, DEVICE_CODE, CONTENT_TYPE, RECEIVED_AT, RAW, SIZE };

/* As it was kept. */
struct kept {
    struct directory_device device; /* device_id "": of a caller of the API */
    struct device_body body;
};

static void copy(char *target, size_t size, const char *text)
{
    if (!text || !text_copy(target, size, text, strlen(text)))
        *target = '\0';
}

/* NULL, or why it cannot be taken up again, ever. */
static const char *read_kept(
    struct kept *kept, int32_t tenant_id, const struct store_result *rows, size_t row, struct arena *arena)
{
    unsigned char *bytes = NULL;
    size_t size = 0;
    kept->device.tenant_id = tenant_id;
    copy(kept->device.device_id, sizeof kept->device.device_id, store_result_text(rows, row, DEVICE_ID));
    copy(kept->device.device_code, sizeof kept->device.device_code, store_result_text(rows, row, DEVICE_CODE));
    kept->body = (struct device_body){ .device = &kept->device,
        .content_type = store_result_text(rows, row, CONTENT_TYPE),
        .received_at = store_result_time(rows, row, RECEIVED_AT) };
    if (!kept_body_is_readable(kept->body.content_type) || store_result_is_null(rows, row, RAW))
        return "what it was cannot be told from what is kept of it";
    if (kept->device.device_id[0] != '\0' && kept->device.device_code[0] == '\0')
        return "the device that sent it is gone";
    if (!store_result_bytes(rows, row, RAW, arena, &bytes, &size))
        return "it does not fit into memory";
    kept->body.bytes = (const char *)bytes;
    kept->body.size = size;
    return size == (size_t)store_result_int(rows, row, SIZE) ? NULL : "only the first 64 KiB of it were kept";
}

static bool is_for_good(const struct err *err)
{
    return err->kind == ERR_INPUT;
}

static bool take(struct replay_desk *desk, const struct rpc_caller *caller, const struct kept *kept,
    struct replay *replay, struct arena *arena, struct err *err)
{
    struct raw_readings readings = { 0 };
    struct intake_result result = { 0 };
    struct err why = { 0 };
    const struct intake_request request = { .caller = caller,
        .protocol = "replay",
        .device_id = kept->device.device_id[0] != '\0' ? kept->device.device_id : NULL,
        .content_type = kept->body.content_type,
        .idempotency_key = replay->id,
        .body = kept->body.bytes,
        .body_size = kept->body.size,
        .received_at = kept->body.received_at,
        .is_replay = true,
        .mode = INTAKE_SKIP_BAD };
    bool ok = kept_body_decode(&readings, arena, desk->directory, &kept->body, &why) &&
              intake_take(desk->intake, &request, &readings, arena, &result, &why);
    if (!ok && !is_for_good(&why)) {
        *err = why;
        return false;
    }
    replay->accepted = result.accepted;
    replay->refused = result.refused;
    replay->state = !ok ? "refused" : result.refused > 0 ? "partly" : "accepted";
    replay->detail = result.fault_count > 0 ? result.faults[0].detail : NULL;
    if (!ok && !replay->detail)
        replay->detail = arena_text(arena, why.text);
    return true;
}

static bool write_down(
    struct store_session *session, const struct rpc_caller *caller, const struct replay *replay, struct err *err)
{
    return store_run(session,
        "UPDATE refusal SET replay_job = NULL, state = coalesce($3::text, state), replayed_at = clock_timestamp(), "
        "replayed_by = $4, replay_accepted = $5::int8, replay_refused = $6::int8, replay_detail = $7 WHERE tenant_id = "
        "$1 AND id = $2::uuid",
        PARAMS(PARAM_INT(caller->tenant_id), PARAM_TEXT(replay->id), PARAM_TEXT(replay->state),
            PARAM_TEXT(caller->actor), PARAM_INT(replay->accepted), PARAM_INT(replay->refused),
            PARAM_TEXT(replay->detail)),
        NULL, err);
}

bool replay_rows(struct replay_desk *desk, struct store_session *session, const struct rpc_caller *caller,
    const struct store_result *rows, struct replay *out_replays, struct arena *arena, struct err *err)
{
    for (size_t i = 0; i < store_result_rows(rows); i++) {
        struct replay *replay = &out_replays[i];
        struct kept kept = { .device = { .tenant_id = 0 } };
        *replay = (struct replay){ .was_accepted = strcmp(store_result_text(rows, i, STATE), "accepted") == 0 };
        copy(replay->id, sizeof replay->id, store_result_text(rows, i, ID));
        if (replay->was_accepted)
            continue;
        replay->detail = read_kept(&kept, caller->tenant_id, rows, i, arena);
        if (!replay->detail && !take(desk, caller, &kept, replay, arena, err))
            return err_wrap(err, "rejection %s", replay->id);
        if (!write_down(session, caller, replay, err))
            return false;
    }
    return true;
}
