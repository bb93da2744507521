#include "network_store.h"
#include "nwims/v1/bulk.pb-c.h"

bool upload_store_put(struct work *work, const Nwims__V1__PutUploadPartRequest *request, struct err *err)
{
    return store_run(work->session,
               "DELETE FROM upload_part WHERE tenant_id = $1 AND created_at < now() - interval '1 hour'",
               PARAMS(PARAM_INT(work->tenant_id)), NULL, err) &&
           store_run(work->session,
               "INSERT INTO upload_part (tenant_id, upload_id, part, actor, data) VALUES ($1, $2::uuid, $3, $4, $5) ON "
               "CONFLICT (tenant_id, upload_id, part) DO UPDATE SET data = EXCLUDED.data WHERE upload_part.actor = "
               "EXCLUDED.actor",
               PARAMS(PARAM_INT(work->tenant_id), PARAM_TEXT(request->upload_id), PARAM_INT(request->part),
                   PARAM_TEXT(work->call->caller->actor), PARAM_BYTES(request->data.data, request->data.len)),
               NULL, err);
}

/* One part after the other, so that no more than one is held twice. */
static bool append(struct work *work, const Nwims__V1__ImportNetworkRequest *request, int32_t part, struct buffer *out,
    struct err *err)
{
    AUTO(store_result) rows = NULL;
    AUTO_INPLACE(arena) arena;
    unsigned char *bytes;
    size_t size;
    arena_init(&arena, 16 * 1024 * 1024);
    if (!store_query(work->session, &rows,
            "DELETE FROM upload_part WHERE tenant_id = $1 AND upload_id = $2::uuid AND part = $3 AND actor = $4 "
            "RETURNING data",
            PARAMS(PARAM_INT(work->tenant_id), PARAM_TEXT(request->upload_id), PARAM_INT(part),
                PARAM_TEXT(work->call->caller->actor)),
            err))
        return false;
    if (store_result_rows(rows) != 1)
        return err_set(err, ERR_INPUT, "part %d of the file is missing: send it again", part);
    if (!store_result_bytes(rows, 0, 0, &arena, &bytes, &size))
        return err_set(err, ERR_LIMIT, "no memory left for the file");
    buffer_put(out, bytes, size);
    return true;
}

bool upload_store_take(
    struct work *work, const Nwims__V1__ImportNetworkRequest *request, struct buffer *out, struct err *err)
{
    for (int32_t part = 0; part < request->parts; part++)
        if (!append(work, request, part, out, err))
            return false;
    return true;
}

static bool give_parts(
    struct work *work, const Nwims__V1__ImportRowsRequest *request, const char *job_id, struct err *err)
{
    int64_t moved = 0;
    if (request->parts == 0)
        return true;
    if (!store_run(work->session,
            "WITH taken AS (DELETE FROM upload_part WHERE tenant_id = $1 AND upload_id = $2::uuid AND actor = $3 AND "
            "part "
            "< $4::int4 RETURNING part, data) INSERT INTO job_part (tenant_id, job_id, part, data) SELECT $1::int4, "
            "$5::uuid, part, data FROM taken",
            PARAMS(PARAM_INT(work->tenant_id), PARAM_TEXT(request->upload_id), PARAM_TEXT(work->call->caller->actor),
                PARAM_INT(request->parts), PARAM_TEXT(job_id)),
            &moved, err))
        return false;
    return moved == request->parts || err_set(err, ERR_INPUT, "a part of the file is missing: send it again");
}

bool upload_store_give(
    struct work *work, const Nwims__V1__ImportRowsRequest *request, const char *job_id, struct err *err)
{
    return give_parts(work, request, job_id, err) &&
           store_run(work->session,
               "INSERT INTO job_part (tenant_id, job_id, part, data) VALUES ($1, $2::uuid, $3::int4, $4)",
               PARAMS(PARAM_INT(work->tenant_id), PARAM_TEXT(job_id), PARAM_INT(request->parts),
                   PARAM_BYTES(request->data.data ? request->data.data : (const unsigned char *)"", request->data.len)),
               NULL, err);
}
