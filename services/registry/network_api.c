#include "auth/auth.h"
#include "entity_api.h"
#include "epanet/inp.h"
#include "field.h"
#include "network_store.h"
#include <string.h>

enum {
    ARENA_BYTES = 256 * 1024 * 1024,
    TEXT_BYTES = 64 * 1024 * 1024,
    MOST_PARTS = 15,
    LARGEST_PART = 4 * 1024 * 1024
};

static const struct column columns[] = {
    { "id", "uuid", COLUMN_READONLY, NULL, NULL },
    { "code", "text", COLUMN_READONLY, NULL, NULL },
    { "name", "text", COLUMN_READONLY, NULL, NULL },
    { "flow_unit", "text", COLUMN_READONLY, NULL, NULL },
    { "headloss", "text", COLUMN_READONLY, NULL, NULL },
    { "municipality_id", "uuid", COLUMN_READONLY, NULL, NULL },
    { "junctions", "bigint", COLUMN_READONLY, NULL, NULL },
    { "reservoirs", "bigint", COLUMN_READONLY, NULL, NULL },
    { "tanks", "bigint", COLUMN_READONLY, NULL, NULL },
    { "pipes", "bigint", COLUMN_READONLY, NULL, NULL },
    { "pumps", "bigint", COLUMN_READONLY, NULL, NULL },
    { "valves", "bigint", COLUMN_READONLY, NULL, NULL },
    { "created_at", "timestamptz", COLUMN_READONLY, NULL, NULL },
    { "updated_at", "timestamptz", COLUMN_READONLY, NULL, NULL },
    { "version", "bigint", COLUMN_READONLY, NULL, NULL },
    { 0 },
};
static const struct filter filters[] = { { "municipality_id", "municipality_id = %s::uuid" }, { 0 } };

/* Read by anyone who may read assets; written by an import only. */
const struct entity network_entity = { .noun = "network",
    .plural = "assets",
    .columns = columns,
    .filters = filters,
    .descriptor = &nwims__v1__network__descriptor,
    .place = "municipality_id" };

bool network_list(void *context, struct rpc_call *call, const void *request, void *reply, struct err *err)
{
    return entity_list(context, call, &network_entity, request, reply, err);
}

bool network_get(void *context, struct rpc_call *call, const void *request, void *reply, struct err *err)
{
    return entity_get(context, call, &network_entity, request, reply, err);
}

static bool put_part(struct registry *registry, struct rpc_call *call, const Nwims__V1__PutUploadPartRequest *request,
    const char *plural, const char *verb, struct err *err)
{
    AUTO_INPLACE(work) work = { 0 };
    if (request->part < 0 || request->part >= MOST_PARTS)
        return rpc_violation(call, err, "part", "a file has at most %d parts", MOST_PARTS);
    if (request->data.len == 0 || request->data.len > LARGEST_PART)
        return rpc_violation(call, err, "data", "a part has 1 to %d bytes", LARGEST_PART);
    field_reference(call, err, "upload_id", request->upload_id, true);
    return err->kind == ERR_NONE && work_begin(&work, registry, call, plural, verb, err) &&
           upload_store_put(&work, request, err) && work_commit(&work, err);
}

bool upload_put(void *context, struct rpc_call *call, const void *request, void *reply, struct err *err)
{
    (void)reply;
    return put_part(context, call, request, "assets", "write", err);
}

/* For whichever import the caller may do. */
bool bulk_part_put(void *context, struct rpc_call *call, const void *request, void *reply, struct err *err)
{
    const char *permissions = call->caller->permissions;
    (void)reply;
    return put_part(context, call, request,
        permission_granted(permissions, "devices:bulk")   ? "devices"
        : permission_granted(permissions, "sensors:bulk") ? "sensors"
                                                          : "assets",
        "bulk", err);
}

static bool check(struct rpc_call *call, const Nwims__V1__ImportNetworkRequest *request, struct err *err)
{
    const Nwims__V1__ImportOptions *options = request->options;
    if (!options || !options->network || !*options->network)
        return rpc_violation(call, err, "network", "is required: the code of the network");
    field_code(call, err, options->network, true);
    if (strlen(options->network) > 20)
        rpc_violation(call, err, "network", "takes at most 20 characters");
    field_name(call, err, options->name, false);
    field_reference(call, err, "municipality_id", options->municipality_id, false);
    if (request->upload_id)
        field_reference(call, err, "upload_id", request->upload_id, true);
    if (request->parts < 0 || request->parts > MOST_PARTS)
        rpc_violation(call, err, "parts", "a file has at most %d parts", MOST_PARTS);
    return err->kind == ERR_NONE;
}

static bool answer(const struct inp_network *network, struct rpc_call *call, bool is_dry_run,
    const struct network_counts *counts, Nwims__V1__ImportReply *reply, struct err *err)
{
    reply->has_dry_run = reply->has_created = reply->has_updated = reply->has_retired = true;
    reply->dry_run = is_dry_run;
    reply->created = counts->created;
    reply->updated = counts->updated;
    reply->retired = counts->retired;
    reply->kept_out = arena_alloc_array(call->arena, network->kept_out_count + 1, sizeof *reply->kept_out);
    for (size_t i = 0; reply->kept_out && i < network->kept_out_count; i++) {
        Nwims__V1__KeptOut *kept_out = arena_alloc(call->arena, sizeof *kept_out);
        if (!kept_out)
            return err_set(err, ERR_LIMIT, "no memory left for the answer");
        nwims__v1__kept_out__init(kept_out);
        kept_out->section = arena_text(call->arena, network->kept_out[i].section);
        kept_out->has_lines = true;
        kept_out->lines = (int64_t)network->kept_out[i].lines;
        reply->kept_out[reply->n_kept_out++] = kept_out;
    }
    return reply->kept_out || err_set(err, ERR_LIMIT, "no memory left for the answer");
}

static bool announce(
    struct work *work, const Nwims__V1__Network *network, const struct network_counts *counts, struct err *err)
{
    char *detail = arena_printf(work->call->arena,
        "{\"created\":%lld,\"updated\":%lld,\"retired\":%lld,\"pipes\":%lld,\"pumps\":%lld,\"valves\":%lld}",
        (long long)counts->created, (long long)counts->updated, (long long)counts->retired, (long long)network->pipes,
        (long long)network->pumps, (long long)network->valves);
    const struct change change = { .noun = "network",
        .change = counts->is_new ? "created" : "updated",
        .id = network->id,
        .code = network->code,
        .detail = detail };
    return detail ? work_announce(work, &change, err) : err_set(err, ERR_LIMIT, "no memory left for the audit");
}

static bool import(struct work *work, const Nwims__V1__ImportNetworkRequest *request, struct arena *arena,
    Nwims__V1__ImportReply *reply, struct err *err)
{
    AUTO_INPLACE(buffer) text = { .ceiling_bytes = TEXT_BYTES };
    struct inp_network network;
    struct network_counts counts = { 0 };
    bool is_dry_run = request->options->dry_run;
    if (request->upload_id && !upload_store_take(work, request, &text, err))
        return false;
    buffer_put(&text, request->data.data, request->data.len);
    if (!buffer_ok(&text))
        return err_set(err, ERR_LIMIT, "the file is larger than %d bytes", TEXT_BYTES);
    if (!inp_parse(&network, arena, text.data ? text.data : "", text.size, err))
        return false;
    reply->network = arena_alloc(work->call->arena, sizeof *reply->network);
    if (!reply->network)
        return err_set(err, ERR_LIMIT, "no memory left for the answer");
    nwims__v1__network__init(reply->network);
    return work_expect_many(work, err) && network_store_import(work, request->options, &network, &counts, err) &&
           entity_store_get(work, &network_entity, request->options->network, reply->network, err) &&
           answer(&network, work->call, is_dry_run, &counts, reply, err) &&
           (is_dry_run || (announce(work, reply->network, &counts, err) && work_commit(work, err)));
}

/* All or nothing: one transaction, which a dry run leaves without a commit. */
bool network_import(void *context, struct rpc_call *call, const void *input, void *reply, struct err *err)
{
    const Nwims__V1__ImportNetworkRequest *request = input;
    AUTO_INPLACE(work) work = { 0 };
    AUTO_INPLACE(arena) arena;
    arena_init(&arena, ARENA_BYTES);
    return check(call, request, err) && work_begin(&work, context, call, "assets", "write", err) &&
           work_needs_whole_tenant(&work, err) && import(&work, request, &arena, reply, err);
}
