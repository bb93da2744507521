/* What the proxy in front says of the connection that it ended, and whether it is the proxy that says it. */
#include "base/number.h"
#include "base/text.h"
#include "http/http_internal.h"
#include <arpa/inet.h>
#include <string.h>

#define CERTIFICATE_DIGITS 64

/* "10.0.0.0/8", "127.0.0.1" or "localhost" at text. */
static bool network_has(const char *text, size_t length, struct in_addr address)
{
    char copy[64];
    struct in_addr network;
    int64_t bits = 32;
    if (length == 0 || length >= sizeof copy)
        return false;
    memcpy(copy, text, length);
    copy[length] = '\0';
    char *slash = strchr(copy, '/');
    if (slash) {
        *slash = '\0';
        if (!number_parse_int(slash + 1, strlen(slash + 1), &bits) || bits < 0 || bits > 32)
            return false;
    }
    if (inet_pton(AF_INET, copy, &network) != 1)
        return false;
    uint32_t mask = bits == 0 ? 0 : htonl(UINT32_MAX << (32 - bits));
    return (network.s_addr & mask) == (address.s_addr & mask);
}

bool http_proxy_has_address(const char *list, const char *address)
{
    struct in_addr peer;
    if (!list || inet_pton(AF_INET, address, &peer) != 1)
        return false;
    for (const char *at = list; *at;) {
        at += strspn(at, ", ");
        size_t length = strcspn(at, ", ");
        if (network_has(at, length, peer))
            return true;
        at += length;
    }
    return false;
}

/* The one header of that name; NULL if there is none, or more than one. */
static const char *only_header(const struct http_request *request, const char *name)
{
    const char *value = NULL;
    for (int i = 0; i < request->info->num_headers; i++)
        if (http_is_header(&request->info->http_headers[i], name)) {
            if (value)
                return NULL;
            value = request->info->http_headers[i].value;
        }
    return value;
}

/* As long as the longer takes, so that time tells nothing of the secret. */
static bool is_same_secret(const char *left, const char *right)
{
    size_t left_length = strlen(left), right_length = strlen(right);
    unsigned difference = left_length != right_length;
    for (size_t i = 0; i < left_length; i++)
        difference |= (unsigned)(unsigned char)left[i] ^ (unsigned char)right[i < right_length ? i : 0];
    return difference == 0;
}

/* A connection has one address, and a thread one connection for long. */
static bool has_address_of_proxy(struct http_worker *worker, const char *address)
{
    if (strcmp(worker->looked_up, address) == 0)
        return worker->is_proxy;
    bool is_proxy = http_proxy_has_address(worker->server->proxies, address);
    worker->is_proxy = text_copy(worker->looked_up, sizeof worker->looked_up, address, strlen(address)) && is_proxy;
    return is_proxy;
}

static bool is_from_proxy(const struct http_request *request)
{
    const struct http_server *server = request->worker->server;
    if (!has_address_of_proxy(request->worker, request->info->remote_addr))
        return false;
    const char *secret = server->proxy_secret[0] ? only_header(request, HTTP_PROXY_SECRET_HEADER) : NULL;
    return !server->proxy_secret[0] || (secret && is_same_secret(server->proxy_secret, secret));
}

/* The last address: what stands before it was said by others, and may be anything. */
static void take_peer(struct http_request *request)
{
    unsigned char address[sizeof(struct in6_addr)];
    const char *forwarded = only_header(request, "X-Forwarded-For");
    if (!forwarded)
        return;
    const char *last = strrchr(forwarded, ',');
    last = last ? last + 1 : forwarded;
    last += strspn(last, " ");
    if (inet_pton(AF_INET, last, address) == 1 || inet_pton(AF_INET6, last, address) == 1)
        request->peer = last;
}

static void take_certificate(struct http_request *request)
{
    const char *digest = only_header(request, HTTP_CERTIFICATE_HEADER);
    if (digest && strlen(digest) == CERTIFICATE_DIGITS && strspn(digest, "0123456789abcdef") == CERTIFICATE_DIGITS)
        request->certificate = digest;
}

void http_proxy_read(struct http_request *request)
{
    request->peer = request->info->remote_addr;
    request->certificate = NULL;
    if (!is_from_proxy(request))
        return;
    take_peer(request);
    take_certificate(request);
}
