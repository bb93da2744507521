#include "networks.h"
#include "base/number.h"
#include "base/text.h"
#include <arpa/inet.h>
#include <string.h>

enum { V4_BITS_BEFORE = 96, LONGEST_ADDRESS = 64 };

static bool read_address(unsigned char address[16], const char *text, bool *out_is_v4)
{
    static const unsigned char before_v4[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };
    *out_is_v4 = inet_pton(AF_INET, text, address + sizeof before_v4) == 1;
    if (*out_is_v4)
        memcpy(address, before_v4, sizeof before_v4);
    return *out_is_v4 || inet_pton(AF_INET6, text, address) == 1;
}

static bool read_network(struct network *network, const char *text, size_t length)
{
    char address[LONGEST_ADDRESS];
    int64_t bits;
    bool is_v4;
    const char *slash = memchr(text, '/', length);
    size_t address_length = slash ? (size_t)(slash - text) : length;
    if (!text_copy(address, sizeof address, text, address_length) || !read_address(network->address, address, &is_v4))
        return false;
    bits = is_v4 ? 32 : 128;
    if (slash &&
        (!number_parse_int(slash + 1, length - address_length - 1, &bits) || bits < 0 || bits > (is_v4 ? 32 : 128)))
        return false;
    network->bits = (unsigned)bits + (is_v4 ? V4_BITS_BEFORE : 0);
    return true;
}

bool networks_parse(struct networks *out_networks, const char *text, struct err *err)
{
    *out_networks = (struct networks){ 0 };
    for (const char *at = text + strspn(text, ", "); *at != '\0'; at += strspn(at, ", ")) {
        size_t length = strcspn(at, ", ");
        if (out_networks->count == NETWORKS_MOST)
            return err_set(err, ERR_CONFIG, "at most %d networks", NETWORKS_MOST);
        if (!read_network(&out_networks->items[out_networks->count++], at, length))
            return err_set(err, ERR_CONFIG, "\"%.*s\" is no network, as 10.0.0.0/8 is", (int)length, at);
        at += length;
    }
    return true;
}

static bool is_within(const struct network *network, const unsigned char address[16])
{
    unsigned whole = network->bits / 8, rest = network->bits % 8;
    unsigned mask = 0xffu << (8 - rest) & 0xffu;
    return memcmp(network->address, address, whole) == 0 &&
           (rest == 0 || ((network->address[whole] ^ address[whole]) & mask) == 0);
}

bool networks_allow(const struct networks *networks, const char *host)
{
    unsigned char address[16];
    bool is_v4;
    if (!read_address(address, host, &is_v4))
        return false;
    for (size_t i = 0; i < networks->count; i++)
        if (is_within(&networks->items[i], address))
            return true;
    return false;
}
