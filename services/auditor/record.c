#include "record.h"
#include "nwims/v1/audit.pb-c.h"
#include "wire/wire.h"
#include <stdio.h>
#include <string.h>

/* Index rows of PostgreSQL hold at most 2,700 bytes; these are far from it. */
static const struct {
    const char *name;
    size_t longest;
} rules[RECORD_TEXTS] = {
    [RECORD_ACTOR] = { "actor", 200 },
    [RECORD_ACTION] = { "action", 100 },
    [RECORD_ENTITY] = { "entity", 100 },
    [RECORD_ENTITY_ID] = { "entity_id", 500 },
    [RECORD_OUTCOME] = { "outcome", 10 },
    [RECORD_PEER] = { "peer", 100 },
    [RECORD_REQUEST_ID] = { "request_id", 200 },
    [RECORD_TRACE_ID] = { "trace_id", 64 },
    [RECORD_DETAIL] = { "detail", 65536 },
};

int64_t record_id_time(const struct uuid *id)
{
    int64_t ms = 0;
    if (id->bytes[6] >> 4 != 7)
        return 0;
    for (size_t i = 0; i < 6; i++)
        ms = ms << 8 | id->bytes[i];
    return ms * 1000;
}

/* audit.<tenant>.<noun> */
static bool is_of_tenant(const char *subject, int32_t tenant_id)
{
    char prefix[32];
    int length = snprintf(prefix, sizeof prefix, "audit.%d.", (int)tenant_id);
    return strncmp(subject, prefix, (size_t)length) == 0;
}

/* Empty is the same as absent: what is stored must say one thing in one way. */
static void take_texts(struct record *record, const Nwims__V1__AuditRecord *wire)
{
    const char *const texts[RECORD_TEXTS] = { [RECORD_ACTOR] = wire->actor,
        [RECORD_ACTION] = wire->action,
        [RECORD_ENTITY] = wire->entity,
        [RECORD_ENTITY_ID] = wire->entity_id,
        [RECORD_OUTCOME] = wire->outcome && *wire->outcome ? wire->outcome : "ok",
        [RECORD_PEER] = wire->peer,
        [RECORD_REQUEST_ID] = wire->request_id,
        [RECORD_TRACE_ID] = wire->trace_id,
        [RECORD_DETAIL] = wire->detail };
    for (size_t i = 0; i < RECORD_TEXTS; i++)
        record->texts[i] = texts[i] && *texts[i] ? texts[i] : NULL;
}

static bool is_action(const char *action)
{
    const char *dot = action ? strchr(action, '.') : NULL;
    return dot && dot > action && dot[1] != '\0' &&
           strspn(action, "abcdefghijklmnopqrstuvwxyz0123456789-_.") == strlen(action);
}

static bool is_outcome(const char *outcome)
{
    return strcmp(outcome, "ok") == 0 || strcmp(outcome, "refused") == 0 || strcmp(outcome, "failed") == 0;
}

/* By its first and last character: what is within is the writer's word, which we keep and do not interpret. */
static bool is_object(const char *detail)
{
    size_t length = detail ? strlen(detail) : 0;
    return !detail || (length >= 2 && detail[0] == '{' && detail[length - 1] == '}');
}

static bool check_texts(const struct record *record, struct err *err)
{
    for (size_t i = 0; i < RECORD_TEXTS; i++)
        if (record->texts[i] && strlen(record->texts[i]) > rules[i].longest)
            return err_set(err, ERR_INPUT, "%s is longer than %zu bytes", rules[i].name, rules[i].longest);
    if (!is_action(record->texts[RECORD_ACTION]))
        return err_set(err, ERR_INPUT, "action is not <noun>.<verb>");
    if (!is_outcome(record->texts[RECORD_OUTCOME]))
        return err_set(err, ERR_INPUT, "outcome is not ok, refused or failed");
    return is_object(record->texts[RECORD_DETAIL]) || err_set(err, ERR_INPUT, "detail is not a JSON object");
}

bool record_read(
    struct record *out_record, struct arena *arena, const char *subject, const void *data, size_t size, struct err *err)
{
    const int64_t end_of_9999 = INT64_C(253402300799999999);
    ProtobufCMessage *message;
    if (!wire_decode(&message, arena, &nwims__v1__audit_record__descriptor, data, size, err))
        return false;
    const Nwims__V1__AuditRecord *wire = (const Nwims__V1__AuditRecord *)message;
    struct record record = { .tenant_id = wire->has_tenant_id ? wire->tenant_id : 0, .happened_at = wire->happened_at };
    if (!wire->id || !uuid_parse(wire->id, strlen(wire->id), &record.id))
        return err_set(err, ERR_INPUT, "id is not a UUID");
    if (record.tenant_id < 0 || !is_of_tenant(subject, record.tenant_id))
        return err_set(err, ERR_INPUT, "tenant %d is not the one of the subject", (int)record.tenant_id);
    if (!wire->has_happened_at || record.happened_at < 0 || record.happened_at > end_of_9999)
        return err_set(err, ERR_INPUT, "happened_at is no time");
    take_texts(&record, wire);
    if (!check_texts(&record, err))
        return false;
    *out_record = record;
    return true;
}
