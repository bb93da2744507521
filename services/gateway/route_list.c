#include "route_list.h"
#include "base/json_writer.h"
#include "base/text.h"
#include "route.h"
#include <stdio.h>
#include <string.h>

static void put_route(struct json_writer *writer, const struct router *router, const struct route *route)
{
    json_begin_object(writer);
    json_put_text(writer, "method", route->method);
    json_put_text(writer, "path", route->path);
    json_put_text(writer, "permission", route->permission);
    json_put_text(writer, "tag", router->tag);
    json_put_int(writer, "success", route->success);
    if (route->service) {
        json_put_text(writer, "service", route->service->short_name);
        json_put_text(writer, "rpc", route->rpc_method);
    }
    if (route->manual)
        json_put_text(writer, "operation_id", route->manual->operation_id);
    json_end_object(writer);
}

void route_list_write(struct buffer *out)
{
    struct json_writer writer;
    json_writer_init(&writer, out);
    json_begin_array(&writer);
    for (size_t r = 0; routers[r]; r++)
        for (const struct route *route = routers[r]->routes; route->method; route++)
            put_route(&writer, routers[r], route);
    json_end_array(&writer);
}

bool route_list_asked(int argc, char **argv)
{
    AUTO_INPLACE(buffer) text = { 0 };
    if (argc != 2 || !text_equal(argv[1], "--routes"))
        return false;
    route_list_write(&text);
    puts(text.data);
    return true;
}
