/* Commands for devices, and how a device is. */
#include "base/number.h"
#include "base/text.h"
#include "command_store.h"
#include "entity_api.h"
#include "field.h"
#include "presence_store.h"
#include "transcode/json_object.h"
#include <inttypes.h>
#include <string.h>

enum { LARGEST_PAYLOAD = 16 * 1024, LONGEST_LIFE_S = 30 * 86400, USUAL_PAGE = 100, LARGEST_PAGE = 1000 };
#define STATES "queued|sent|delivered|succeeded|failed|expired"

bool device_status_get(void *context, struct rpc_call *call, const void *input, void *reply, struct err *err)
{
    const Nwims__V1__ById *request = input;
    Nwims__V1__Device device = NWIMS__V1__DEVICE__INIT;
    AUTO_INPLACE(work) work = { 0 };
    return work_begin(&work, context, call, "devices", "read", err) &&
           entity_store_get(&work, &device_entity, request->id, &device, err) &&
           presence_store_status(&work, &device, reply, err);
}

static bool check(struct rpc_call *call, const Nwims__V1__CreateCommandRequest *request, struct err *err)
{
    struct err why = { 0 };
    if (!request->name || !*request->name)
        rpc_violation(call, err, "name", "is required");
    else
        field_text(call, err, "name", request->name, 64);
    if (request->payload && !json_object_check(request->payload, LARGEST_PAYLOAD, &why))
        rpc_violation(call, err, "payload", "%s", why.text);
    if (request->has_expires_in_s && (request->expires_in_s < 1 || request->expires_in_s > LONGEST_LIFE_S))
        rpc_violation(call, err, "expires_in_s", "must be between 1 and %d", LONGEST_LIFE_S);
    return err->kind == ERR_NONE;
}

/* Whoever may look at the record sees what was asked for, not its parameters. */
static bool announce(struct work *work, const Nwims__V1__Command *command, struct err *err)
{
    char *detail =
        arena_printf(work->call->arena, "{\"name\":\"%s\",\"device_id\":\"%s\"}", command->name, work->key.id);
    const struct change change = { .noun = "device_command", .change = "created", .id = command->id, .detail = detail };
    return detail ? work_announce(work, &change, err) : err_set(err, ERR_LIMIT, "no memory left for the audit");
}

static bool check_device(const Nwims__V1__Device *device, struct err *err)
{
    return strcmp(device->state, "active") == 0 ||
           err_set(
               err, ERR_CONFLICT, "the device %s is disabled: it is not let in, and gets no commands", device->code);
}

bool command_create(void *context, struct rpc_call *call, const void *input, void *reply, struct err *err)
{
    const Nwims__V1__CreateCommandRequest *request = input;
    Nwims__V1__Device device = NWIMS__V1__DEVICE__INIT;
    AUTO_INPLACE(work) work = { 0 };
    return check(call, request, err) && work_begin(&work, context, call, "devices", "write", err) &&
           entity_store_lock(&work, &device_entity, request->id, err) &&
           entity_store_get(&work, &device_entity, work.key.id, &device, err) && check_device(&device, err) &&
           command_store_create(&work, request, device.protocol, reply, err) && announce(&work, reply, err) &&
           work_commit(&work, err);
}

/* The cursor is where the page before ended: <microseconds>.<id>. */
static bool read_cursor(struct rpc_call *call, const char *cursor, struct command_page *page, struct err *err)
{
    struct uuid uuid;
    size_t length = strcspn(cursor, ".");
    page->after_id = cursor[length] == '.' ? cursor + length + 1 : "";
    return (number_parse_int(cursor, length, &page->after_at) && page->after_at > 0 &&
               uuid_parse(page->after_id, strlen(page->after_id), &uuid)) ||
           rpc_violation(call, err, "cursor", "is none of ours: use next_cursor of the page before");
}

static bool read_page(
    struct rpc_call *call, const Nwims__V1__ListCommandsRequest *request, struct command_page *page, struct err *err)
{
    page->limit = request->has_limit ? request->limit : USUAL_PAGE;
    if (page->limit < 1 || page->limit > LARGEST_PAGE)
        rpc_violation(call, err, "limit", "must be between 1 and %d", LARGEST_PAGE);
    field_choice(call, err, "state", request->state, STATES, false);
    if (request->cursor && *request->cursor && !read_cursor(call, request->cursor, page, err))
        return false;
    return err->kind == ERR_NONE;
}

bool command_list(void *context, struct rpc_call *call, const void *input, void *reply, struct err *err)
{
    const Nwims__V1__ListCommandsRequest *request = input;
    Nwims__V1__ListCommandsReply *list = reply;
    Nwims__V1__Device device = NWIMS__V1__DEVICE__INIT;
    struct command_page page = { 0 };
    AUTO_INPLACE(work) work = { 0 };
    bool has_more = false;
    if (!read_page(call, request, &page, err) || !work_begin(&work, context, call, "devices", "read", err) ||
        !entity_store_get(&work, &device_entity, request->id, &device, err) ||
        !command_store_list(&work, device.id, request->state, &page, list, &has_more, err))
        return false;
    if (has_more) {
        const Nwims__V1__Command *last = list->items[list->n_items - 1];
        list->next_cursor = arena_printf(call->arena, "%" PRId64 ".%s", last->created_at, last->id);
    }
    return !has_more || list->next_cursor || err_set(err, ERR_LIMIT, "no memory left for the answer");
}

/* Asked by ingests, which act for devices and have no permissions: no more than what these are told by events. */
bool command_list_open(void *context, struct rpc_call *call, const void *input, void *reply, struct err *err)
{
    const Nwims__V1__OpenCommandsRequest *request = input;
    const struct registry *registry = context;
    AUTO(store_session) session = NULL;
    field_reference(call, err, "device_id", request->device_id, true);
    if (err->kind != ERR_NONE)
        return false;
    if (call->caller->tenant_id < 1)
        return err_set(err, ERR_DENIED, "this needs a tenant");
    return store_session_open(&session, registry->store, err) && store_begin(session, call->caller->tenant_id, err) &&
           command_store_list_open(session, call->caller->tenant_id, request->device_id, call->arena, reply, err);
}
