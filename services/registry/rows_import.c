/* POST /devices/import, /sensors/import, /assets/import: rows of a CSV file, made or brought up to date by their code.
 */
#include "asset_parents.h"
#include "field.h"
#include "import_tokens.h"
#include "network_store.h"
#include "nwims/v1/bulk.pb-c.h"
#include "rows.h"
#include <string.h>

enum { LARGEST_PART = 4 * 1024 * 1024, MOST_UPLOADED = 15 };

static bool lock_parents(struct work *work, ProtobufCMessage *wanted, const ProtobufCMessage *existing, struct err *err)
{
    (void)existing;
    return asset_parents_lock(work, (const Nwims__V1__Asset *)wanted, err);
}

static bool check_parents(
    struct work *work, const ProtobufCMessage *wanted, const ProtobufCMessage *written, struct err *err)
{
    (void)written;
    return !*work->key.id || asset_parents_check(work, (const Nwims__V1__Asset *)wanted, err);
}

const struct bulk_kind bulk_devices_import = {
    .name = "devices.import", .plural = "devices", .entity = &device_entity, .makes_new = true, .is_made_together = true
};
const struct bulk_kind bulk_assets_import = { .name = "assets.import",
    .plural = "assets",
    .entity = &asset_entity,
    .makes_new = true,
    .prepare = lock_parents,
    .review = check_parents };

static const struct bulk_kind *const kinds[] = { &bulk_devices_import, &bulk_sensors_import, &bulk_assets_import };

static const struct bulk_kind *kind_of(const char *what, size_t length)
{
    for (size_t i = 0; i < COUNT_OF(kinds); i++)
        if (strlen(kinds[i]->plural) == length && strncmp(kinds[i]->plural, what, length) == 0)
            return kinds[i];
    return NULL;
}

/* ---- in the call ---- */
static bool read_request(
    void *context, int part, struct arena *arena, char **out_text, size_t *out_size, struct err *err)
{
    const Nwims__V1__ImportRowsRequest *request = context;
    (void)arena;
    if (part > 0)
        return err_set(err, ERR_NOT_FOUND, "no more parts");
    *out_text = (char *)request->data.data;
    *out_size = request->data.len;
    if (!*out_text)
        *out_text = (char *)(uintptr_t) "";
    return true;
}

static bool check(struct rpc_call *call, const Nwims__V1__ImportRowsRequest *request, struct err *err)
{
    if (request->upload_id)
        field_reference(call, err, "upload_id", request->upload_id, true);
    if (request->parts < 0 || request->parts > MOST_UPLOADED)
        rpc_violation(call, err, "parts", "a file has at most %d parts", MOST_UPLOADED);
    if (request->data.len > LARGEST_PART)
        rpc_violation(call, err, "data", "a part has at most %d bytes", LARGEST_PART);
    return err->kind == ERR_NONE;
}

static bool later(struct work *work, const struct bulk_wish *wish, const Nwims__V1__ImportRowsRequest *request,
    Nwims__V1__Job *reply, struct err *err)
{
    AUTO_INPLACE(buffer) options = { .ceiling_bytes = 1024 };
    char id[UUID_TEXT_SIZE];
    return (!request->options || wire_encode(&options, &request->options->base, err)) &&
           bulk_do_later(work, wish, options.data, options.size, id, err) &&
           upload_store_give(work, request, id, err) && bulk_answer_later(work, id, reply, err);
}

static bool import(struct work *work, const Nwims__V1__ImportRowsRequest *request, struct bulk_wish *wish,
    Nwims__V1__Job *reply, struct err *err)
{
    AUTO_INPLACE(rows) rows = { 0 };
    wish->total = -1;
    if (request->parts > 0)
        return later(work, wish, request, reply, err);
    if (!rows_open(&rows, wish->kind, read_request, (void *)(uintptr_t)request, err) ||
        !rows_count(&rows, &wish->total, err))
        return false;
    if (wish->total > BULK_AT_ONCE || (request->options && request->options->respond_async))
        return later(work, wish, request, reply, err);
    const struct bulk_source source = {
        .context = &rows, .next = rows_next, .skip = rows_skip, .heading = rows.heading
    };
    return bulk_do_now(work, wish, &source, reply, err);
}

bool rows_import(void *context, struct rpc_call *call, const void *input, void *reply, struct err *err)
{
    const Nwims__V1__ImportRowsRequest *request = input;
    const char *what = request->what ? request->what : "";
    AUTO_INPLACE(work) work = { 0 };
    struct bulk_wish wish = { .kind = kind_of(what, strlen(what)) };
    if (!wish.kind)
        return rpc_violation(call, err, "what", "say devices, sensors or assets");
    return bulk_read_options(call, request->options, &wish, err) && check(call, request, err) &&
           work_begin(&work, context, call, wish.kind->plural, "bulk", err) &&
           (!wish.makes_tokens || import_tokens_check(&work, err)) && import(&work, request, &wish, reply, err);
}

/* ---- as a job ---- */
static bool read_job(void *context, int part, struct arena *arena, char **out_text, size_t *out_size, struct err *err)
{
    return job_read_part(context, part, arena, out_text, out_size, err);
}

/* The request of the job is the options of the call. */
static bool wants_tokens(struct job *job, bool *out_wants, struct err *err)
{
    ProtobufCMessage *options;
    *out_wants = false;
    if (!job->request)
        return true;
    if (!wire_decode(&options, job->arena, &nwims__v1__bulk_options__descriptor, job->request, job->request_size, err))
        return false;
    *out_wants = ((const Nwims__V1__BulkOptions *)options)->tokens;
    return true;
}

bool import_rows_job(void *context, struct job *job, struct err *err)
{
    const struct bulk_kind *kind = kind_of(job->kind, strcspn(job->kind, "."));
    AUTO_INPLACE(rows) rows = { 0 };
    struct err why = { 0 };
    struct bulk_wish wish = { .kind = kind };
    if (!kind)
        return err_set(err, ERR_BUG, "no import is called %s", job->kind);
    if (!wants_tokens(job, &wish.makes_tokens, err))
        return false;
    bool ok = rows_open(&rows, kind, read_job, job, &why) && rows_count(&rows, &wish.total, &why);
    if (!ok && why.kind == ERR_INPUT)
        return bulk_refuse_job(context, job, kind, &why, err);
    if (!ok) {
        *err = why;
        return false;
    }
    const struct bulk_source source = {
        .context = &rows, .next = rows_next, .skip = rows_skip, .heading = rows.heading
    };
    return bulk_do_job(context, job, &wish, &source, err);
}
