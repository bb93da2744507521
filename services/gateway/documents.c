#include "documents.h"
#include "route.h"
#include "rpc_exchange.h"
#include "transcode/openapi_document.h"
#include <string.h>

enum { MOST_OPERATIONS = 512 };

static struct openapi_operation describe(const struct router *router, const struct route *route)
{
    struct openapi_operation operation = { .method = route->method,
        .path = route->path,
        .tag = router->tag,
        .tag_summary = router->summary,
        .permission = strcmp(route->permission, PERMISSION_PUBLIC) == 0 ? NULL : route->permission,
        .success_status = route->success };
    if (route->manual) {
        operation.id = route->manual->operation_id;
        operation.summary = route->manual->summary;
        operation.request = route->manual->query;
        operation.request_schema = route->manual->request_schema;
        operation.reply_schema = route->manual->reply_schema;
        operation.reply = route->manual->reply;
        operation.body = route->manual->body;
        operation.may_go_on = route->manual->may_go_on;
        operation.request_media_types = route->manual->request_media_types;
        operation.reply_media_types = route->manual->reply_media_types;
        return operation;
    }
    const ProtobufCMethodDescriptor *method = route_method(route);
    operation.id = route->rpc_method;
    operation.summary = method_manual_comment(route->service->name, route->rpc_method);
    operation.request = method->input;
    operation.reply = route->success == 204 ? NULL : method->output;
    operation.reply_media_types = route->media_type;
    return operation;
}

bool documents_write_openapi(struct buffer *out, struct err *err)
{
    static struct openapi_operation operations[MOST_OPERATIONS];
    size_t count = 0;
    const struct openapi_info info = { .title = "NWIMS",
        .version = NWIMS_VERSION,
        .description = "The National Water Infrastructure Monitoring System. Log in with POST /auth/login and send the "
                       "access_token as a bearer token. Errors are RFC 9457 "
                       "problem details, explained at /docs/problems. In bodies null is as good as absent. Whoever may "
                       "act in every tenant names one with the header Nwims-Tenant.",
        .server_url = "/api/v1",
        .license = "Apache-2.0" };
    for (size_t r = 0; routers[r]; r++)
        for (const struct route *route = routers[r]->routes; route->method; route++) {
            if (count == MOST_OPERATIONS)
                return err_set(err, ERR_BUG, "more than %d routes", MOST_OPERATIONS);
            if (!route->manual && !route_method(route))
                return err_set(
                    err, ERR_BUG, "route %s %s: there is no method %s", route->method, route->path, route->rpc_method);
            operations[count++] = describe(routers[r], route);
        }
    buffer_init(out, 0);
    return openapi_write_document(out, &info, operations, count, err);
}
