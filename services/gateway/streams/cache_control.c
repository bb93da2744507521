#include "streams/cache_control.h"
#include "nwims/v1/cache.pb-c.h"
#include "rpc_exchange.h"
#include "service/audit_trail.h"

enum { AUDIT_PUBLISH_MS = 2000 };

const struct hand_written get_cache_policies_manual = {
    .operation_id = "GetCachePolicies",
    .summary = "How long answers of each class are kept.",
    .reply = &nwims__v1__cache_policies__descriptor,
};
const struct hand_written put_cache_policies_manual = {
    .operation_id = "PutCachePolicies",
    .summary = "Sets how long answers of the classes named are kept, at every gateway and from now on; what was kept "
               "under the old policies is asked for anew.",
    .query = &nwims__v1__cache_policies__descriptor,
    .reply = &nwims__v1__cache_policies__descriptor,
};
const struct hand_written post_cache_invalidate_manual = {
    .operation_id = "InvalidateCache",
    .summary = "Makes what is cached of the tenant worthless at every gateway, all of it or what shows the kinds "
               "named. Nothing needs it to be true: writes do it by themselves.",
    .query = &nwims__v1__invalidate_cache_request__descriptor,
    .reply = &nwims__v1__invalidate_cache_reply__descriptor,
};

/* The body as a message; NULL when it answered. */
static ProtobufCMessage *read_body(struct exchange *exchange)
{
    ProtobufCMessage *message = wire_new(exchange->arena, exchange->route->manual->query);
    if (!audit_trail_has_room(exchange->app->trail)) {
        exchange_problem(exchange, 503, "busy", "What is done cannot be recorded for a moment; try again.");
        return NULL;
    }
    if (!message)
        exchange_problem(exchange, 503, "busy", "No memory left for this request.");
    return message && rpc_exchange_fill(exchange, message) ? message : NULL;
}

/* Before the answer: whoever hears of a success can find it in the audit. */
static void record(struct exchange *exchange, const char *action, const char *entity, const ProtobufCMessage *done)
{
    AUTO_INPLACE(buffer) detail = { .ceiling_bytes = 16 * 1024 };
    struct err ignored = { 0 };
    bool ok = transcode_to_json(&detail, done, &ignored) && buffer_ok(&detail);
    const struct audit_event event = { .action = action, .entity = entity, .detail = ok ? detail.data : NULL };
    audit_trail_publish(exchange->app->trail, &exchange->caller, &event, AUDIT_PUBLISH_MS);
}

/* ---- policies ---- */

/* False when there is no memory. */
static bool fill_policies(Nwims__V1__CachePolicies *message, const struct cache_policies *policies, struct arena *arena)
{
    message->policies = arena_alloc(arena, CACHE_CLASS_COUNT * sizeof *message->policies);
    message->has_set_at = policies->version > 0;
    message->set_at = policies->version;
    for (enum cache_class class = CACHE_NONE + 1; message->policies && class < CACHE_CLASS_COUNT; class ++) {
        Nwims__V1__CachePolicy *item = (Nwims__V1__CachePolicy *)wire_new(arena, &nwims__v1__cache_policy__descriptor);
        if (!item)
            return false;
        item->class_ = wire_constant(cache_class_name(class));
        item->has_keep_ms = item->has_memory_ms = true;
        item->keep_ms = policies->of[class].keep_ms;
        item->memory_ms = policies->of[class].memory_ms;
        message->policies[message->n_policies++] = item;
    }
    return message->policies != NULL;
}

static void answer_policies(struct exchange *exchange, bool is_change)
{
    Nwims__V1__CachePolicies message = NWIMS__V1__CACHE_POLICIES__INIT;
    struct cache_policies policies;
    cache_policies_get(exchange->app->cache, &policies);
    if (!fill_policies(&message, &policies, exchange->arena)) {
        exchange_problem(exchange, 503, "busy", "No memory left for this request.");
        return;
    }
    if (is_change)
        record(exchange, "cache.policies-set", "cache-policies", &message.base);
    exchange_message(exchange, 200, &message.base);
}

void get_cache_policies(struct exchange *exchange)
{
    answer_policies(exchange, false);
}

void put_cache_policies(struct exchange *exchange)
{
    struct cache_policies policies;
    struct err err = { 0 };
    const Nwims__V1__CachePolicies *message = (const Nwims__V1__CachePolicies *)read_body(exchange);
    if (!message)
        return;
    cache_policies_get(exchange->app->cache, &policies);
    for (size_t i = 0; i < message->n_policies; i++) {
        enum cache_class class;
        if (cache_class_parse(message->policies[i]->class_, &class))
            policies.of[class] =
                (struct cache_policy){ message->policies[i]->keep_ms, message->policies[i]->memory_ms };
    }
    if (cache_policies_set(exchange->app->cache, &policies, &err))
        answer_policies(exchange, true);
    else
        exchange_problem(exchange, 422, NULL, err.text);
}

/* ---- invalidation ---- */

void post_cache_invalidate(struct exchange *exchange)
{
    Nwims__V1__InvalidateCacheReply reply = NWIMS__V1__INVALIDATE_CACHE_REPLY__INIT;
    char *names[CACHE_KIND_COUNT];
    unsigned kinds = 0;
    const Nwims__V1__InvalidateCacheRequest *request = (const Nwims__V1__InvalidateCacheRequest *)read_body(exchange);
    if (!request)
        return;
    for (size_t i = 0; i < request->n_kinds; i++) {
        enum cache_kind kind;
        if (cache_kind_parse(request->kinds[i], &kind))
            kinds |= cache_kind_bit(kind);
    }
    kinds = request->n_kinds == 0 ? cache_kind_bit(CACHE_KIND_ANY) : kinds;
    reply.has_is_everywhere = true;
    reply.is_everywhere = cache_bump(exchange->app->cache, exchange->caller.tenant_id, kinds);
    reply.kinds = names;
    for (enum cache_kind kind = 0; kind < CACHE_KIND_COUNT; kind++)
        if (kinds & cache_kind_bit(kind))
            names[reply.n_kinds++] = wire_constant(cache_kind_name(kind));
    record(exchange, "cache.invalidated", "cache", &reply.base);
    exchange_message(exchange, 200, &reply.base);
}
