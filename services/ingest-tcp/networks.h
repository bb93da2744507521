/* Which addresses we may connect to: what stands in a device's configuration comes from whoever may edit devices, and
 * must not reach what only we can (loopback, the cluster, a cloud's metadata). No I/O. */
#pragma once
#include "base/err.h"

enum { NETWORKS_MOST = 32 };
struct networks {
    struct network {
        unsigned char address[16]; /* IPv4 as ::ffff:a.b.c.d */
        unsigned bits;
    } items[NETWORKS_MOST];
    size_t count;
};
/* "10.0.0.0/8, 2001:db8::/32, 192.168.7.9"; "" allows nothing. ERR_CONFIG names what is wrong. */
MUST_CHECK bool networks_parse(struct networks *out_networks, const char *text, struct err *err);
/* host: an address in figures; a name is none. */
MUST_CHECK bool networks_allow(const struct networks *networks, const char *host);
