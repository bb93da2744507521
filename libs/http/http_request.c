#include "http/http_internal.h"
#include <strings.h>

const char *http_request_method(const struct http_request *request)
{
    return request->info->request_method;
}

const char *http_request_path(const struct http_request *request)
{
    return request->path;
}

const char *http_request_query(const struct http_request *request)
{
    return request->info->query_string ? request->info->query_string : "";
}

const char *http_request_header(const struct http_request *request, const char *name)
{
    const struct mg_request_info *info = request->info;
    for (int i = 0; i < info->num_headers; i++)
        if (http_is_header(&info->http_headers[i], name))
            return info->http_headers[i].value;
    return NULL;
}

const char *http_request_peer(const struct http_request *request)
{
    return request->peer;
}

const char *http_request_certificate(const struct http_request *request)
{
    return request->certificate;
}

struct arena *http_request_arena(struct http_request *request)
{
    return &request->worker->arena;
}

int64_t http_request_started_us(const struct http_request *request)
{
    return request->started_us;
}

int64_t http_request_content_length(const struct http_request *request)
{
    return http_request_encoding(request) == HTTP_ENCODING_NONE || request->content_length == 0
               ? request->content_length
               : -1;
}

enum http_encoding http_request_encoding(const struct http_request *request)
{
    const char *encoding = http_request_header(request, "Content-Encoding");
    if (!encoding || !*encoding || strcasecmp(encoding, "identity") == 0)
        return HTTP_ENCODING_NONE;
    bool is_gzip = strcasecmp(encoding, "gzip") == 0 || strcasecmp(encoding, "x-gzip") == 0;
    return is_gzip ? HTTP_ENCODING_GZIP : HTTP_ENCODING_UNKNOWN;
}

bool http_request_is_draining(const struct http_request *request)
{
    return atomic_load(&request->worker->server->is_draining);
}
