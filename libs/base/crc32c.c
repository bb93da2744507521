#include "base/crc32c.h"

static const uint32_t polynomial = 0x82f63b78;

static uint32_t table[256];
__attribute__((constructor)) static void make_table(void)
{
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t value = i;
        for (int bit = 0; bit < 8; bit++)
            value = value & 1 ? value >> 1 ^ polynomial : value >> 1;
        table[i] = value;
    }
}

uint32_t crc32c(const void *bytes, size_t size)
{
    const unsigned char *at = bytes;
    uint32_t value = UINT32_MAX;
    for (size_t i = 0; i < size; i++)
        value = table[(value ^ at[i]) & 0xff] ^ value >> 8;
    return ~value;
}
