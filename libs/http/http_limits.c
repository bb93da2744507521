/* What civetweb 1.15 lets through and an attacker could use to make a proxy and us see two different requests. Each was
 * tried against it. */
#include "base/clock.h"
#include "base/number.h"
#include "http/http_internal.h"
#include <ctype.h>
#include <string.h>
#include <strings.h>

enum { LONGEST_HOST = 255 };

/* civetweb skips any white space before a request and looks for the request's end beyond what it has received: in what
 * an earlier connection left there. A request begins where the buffer begins. */
static bool begins_the_buffer(struct http_worker *worker, const char *method)
{
    if (!worker->head_start || method < worker->head_start)
        worker->head_start = method;
    return method == worker->head_start;
}

/* METHOD SP target SP HTTP/1.1: civetweb takes any number of spaces and line ends between them. It has put NULs in
 * their places. */
static bool request_line_is_plain(const struct mg_request_info *info)
{
    const char *target = info->request_uri;
    const char *target_end =
        info->query_string ? info->query_string + strlen(info->query_string) : target + strlen(target);
    return target == info->request_method + strlen(info->request_method) + 1 &&
           info->http_version == target_end + 1 + strlen("HTTP/");
}

static bool is_token(const char *text)
{
    for (const char *c = text; *c; c++)
        if (!isalnum((unsigned char)*c) && !strchr("!#$%&'*+-.^_`|~", *c))
            return false;
    return *text != '\0';
}

/* "Content-Length : 5" is taken by civetweb, the space overwritten with NUL. */
static bool header_is_plain(const struct mg_header *header)
{
    size_t length = strlen(header->name);
    return is_token(header->name) && (header->value == header->name + length + 1 || header->name[length + 1] != '\0');
}

/* civetweb ends its reading of headers, silently, at the 65th and at a line that begins with a space (a folded one),
 * and takes bare line feeds. So each header must begin right behind the CRLF of the one before, and the empty line must
 * follow the last: V NUL NUL CR NUL. */
static bool headers_are_whole(const struct mg_request_info *info, const char *head_start)
{
    const char *end = info->http_version + strlen(info->http_version);
    for (int i = 0; i < info->num_headers; i++) {
        if (info->http_headers[i].name != end + 2 || !header_is_plain(&info->http_headers[i]))
            return false;
        end = info->http_headers[i].value + strlen(info->http_headers[i].value);
    }
    if (info->num_headers == 0)
        return end[1] == '\0' && end[2] == '\0' && end[3] == '\0';
    return end + 3 < head_start + HEAD_BYTES && end[1] == '\0' && end[2] == '\r' && end[3] == '\0';
}

/* How many there are; the first one's value. */
static int find(const struct mg_request_info *info, const char *name, const char **out_value)
{
    int count = 0;
    *out_value = NULL;
    for (int i = 0; i < info->num_headers; i++)
        if (http_is_header(&info->http_headers[i], name) && count++ == 0)
            *out_value = info->http_headers[i].value;
    return count;
}

static bool host_is_good(const struct mg_request_info *info, bool is_old)
{
    const char *host;
    int count = find(info, "Host", &host);
    if (count != 1)
        return count == 0 && is_old;
    for (const char *c = host; *c; c++)
        if (!isalnum((unsigned char)*c) && !strchr(".-_:[]", *c))
            return false;
    return strlen(host) <= LONGEST_HOST;
}

/* Digits only: strtoll, which civetweb uses, takes "+4", " 4", "4x" and twenty digits. */
static bool length_is_good(const char *text, int64_t *out_length)
{
    size_t size = strlen(text);
    for (size_t i = 0; i < size; i++)
        if (!isdigit((unsigned char)text[i]))
            return false;
    return size > 0 && size <= 19 && number_parse_int(text, size, out_length);
}

static bool framing_is_good(struct http_request *request)
{
    const char *length, *coding;
    int lengths = find(request->info, "Content-Length", &length);
    int codings = find(request->info, "Transfer-Encoding", &coding);
    if (lengths + codings > 1)
        return false;
    request->content_length = codings ? -1 : 0;
    if (codings && (request->is_old || strcasecmp(coding, "chunked") != 0))
        return false;
    return lengths == 0 || length_is_good(length, &request->content_length);
}

/* As civetweb decides it, so that what we announce is what happens. */
static bool caller_keeps(const struct mg_request_info *info, bool is_old)
{
    const char *wish;
    if (find(info, "Connection", &wish) == 0)
        return !is_old;
    return strcasestr(wish, "keep-alive") && !strcasestr(wish, "close") && !strcasestr(wish, "upgrade");
}

static void note_body(struct http_request *request)
{
    const char *expectation;
    request->body = request->content_length == 0 ? BODY_NONE : BODY_UNREAD;
    request->expects_continue = request->body == BODY_UNREAD && !request->is_old &&
                                find(request->info, "Expect", &expectation) > 0 &&
                                strcasecmp(expectation, "100-continue") == 0;
}

const struct http_refusal *http_limits_check(struct http_request *request)
{
    static const struct http_refusal syntax = { REFUSED_SYNTAX, "the request line is not as HTTP wants it" };
    static const struct http_refusal headers = { REFUSED_HEADERS,
        "too many headers, or one that is not as HTTP wants it" };
    static const struct http_refusal host = { REFUSED_HOST, "exactly one Host header is needed" };
    static const struct http_refusal framing = { REFUSED_FRAMING, "the length of the body is not clear" };
    static const struct http_refusal target = { REFUSED_TARGET, "the path is not one" };
    const struct mg_request_info *info = request->info;
    struct http_worker *worker = request->worker;
    request->is_old = strcmp(info->http_version, "1.0") == 0;
    request->is_head = strcmp(info->request_method, "HEAD") == 0;
    if (!begins_the_buffer(worker, info->request_method) || !request_line_is_plain(info))
        return &syntax;
    /* At 64 there may have been more. */
    if (info->num_headers >= MG_MAX_HEADERS || !headers_are_whole(info, worker->head_start))
        return &headers;
    if (!host_is_good(info, request->is_old))
        return &host;
    if (!framing_is_good(request))
        return &framing;
    if (!http_decode_path(&worker->path, info->request_uri))
        return &target;
    request->path = worker->path.data;
    request->caller_keeps = caller_keeps(info, request->is_old);
    note_body(request);
    return NULL;
}
