#include "net/net_internal.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool parse_port(const char *text, in_port_t *out_port)
{
    char *end;
    size_t length = strspn(text, "0123456789");
    if (length == 0 || length > 5 || text[length] != '\0')
        return false;
    unsigned long port = strtoul(text, &end, 10);
    if (port > 65535)
        return false;
    *out_port = htons((uint16_t)port);
    return true;
}

static bool parse(const char *text, struct net_address *address)
{
    char host[INET6_ADDRSTRLEN + 1];
    const char *colon = strrchr(text, ':');
    bool is_six = text[0] == '[';
    if (!colon || (is_six && (colon - text < 2 || colon[-1] != ']')))
        return false;
    size_t skip = is_six ? 1 : 0, length = (size_t)(colon - text) - 2 * skip;
    if (length >= sizeof host)
        return false;
    memcpy(host, text + skip, length);
    host[length] = '\0';
    if (is_six) {
        struct sockaddr_in6 *six = (struct sockaddr_in6 *)&address->storage;
        six->sin6_family = AF_INET6;
        address->size = sizeof *six;
        return parse_port(colon + 1, &six->sin6_port) && inet_pton(AF_INET6, host, &six->sin6_addr) == 1;
    }
    struct sockaddr_in *four = (struct sockaddr_in *)&address->storage;
    four->sin_family = AF_INET;
    address->size = sizeof *four;
    return parse_port(colon + 1, &four->sin_port) &&
           inet_pton(AF_INET, strcmp(host, "localhost") == 0 ? "127.0.0.1" : host, &four->sin_addr) == 1;
}

bool net_address_parse(const char *text, struct net_address *out_address, struct err *err)
{
    *out_address = (struct net_address){ 0 };
    return parse(text, out_address) ||
           err_set(err, ERR_CONFIG, "\"%s\" is no address to listen on: say 127.0.0.1:1883, 0.0.0.0:1883 or [::]:1883",
               text);
}

void net_address_format(const struct sockaddr *address, bool with_port, char text[NET_PEER_SIZE])
{
    char host[INET6_ADDRSTRLEN] = "?";
    bool is_six = address->sa_family == AF_INET6;
    /* Copied: a sockaddr may stand where the larger ones must not. */
    struct sockaddr_in four = { 0 };
    struct sockaddr_in6 six = { 0 };
    memcpy(is_six ? (void *)&six : (void *)&four, address, is_six ? sizeof six : sizeof four);
    inet_ntop(
        address->sa_family, is_six ? (const void *)&six.sin6_addr : (const void *)&four.sin_addr, host, sizeof host);
    if (!with_port)
        snprintf(text, NET_PEER_SIZE, "%s", host);
    else
        snprintf(text, NET_PEER_SIZE, is_six ? "[%s]:%u" : "%s:%u", host,
            (unsigned)ntohs(is_six ? six.sin6_port : four.sin_port));
}
