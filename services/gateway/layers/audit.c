/* What is recorded of a request after its answer: an access that was refused. What owners do they record themselves, in
 * the transaction that does it. Requests beyond a rate (429) are only counted: there is no end of them. */
#include "base/json_writer.h"
#include "layers/layers.h"
#include "service/audit_trail.h"
#include <stdio.h>
#include <string.h>

/* Not there, for somebody who may see a part of the tenant, may well be there outside of it. */
static bool is_refused(const struct exchange *exchange, int status)
{
    if (!exchange->route || strcmp(exchange->route->permission, PERMISSION_PUBLIC) == 0)
        return false; /* a login that was refused is recorded by identity */
    return status == 401 || status == 403 || (status == 404 && *exchange->caller.scope);
}

static void write_detail(struct buffer *out, const struct exchange *exchange, int status)
{
    struct json_writer writer;
    json_writer_init(&writer, out);
    json_begin_object(&writer);
    json_put_int(&writer, "status", status);
    for (size_t i = 0; i < exchange->match.parameter_count; i++)
        json_put_text(&writer, exchange->match.parameters[i].name, exchange->match.parameters[i].value);
    json_end_object(&writer);
}

void layer_audit(struct exchange *exchange)
{
    int status = http_request_status(exchange->request);
    AUTO_INPLACE(buffer) detail = { .ceiling_bytes = 4096 };
    char route[160];
    if (!is_refused(exchange, status))
        return;
    snprintf(route, sizeof route, "%s %s", exchange->route->method, exchange->route->path);
    write_detail(&detail, exchange, status);
    const struct audit_event event = { .action = "access.refused",
        .entity = "route",
        .entity_id = route,
        .outcome = "refused",
        .detail = buffer_ok(&detail) ? detail.data : NULL };
    audit_trail_refused(exchange->app->trail, &exchange->caller, &event);
}
