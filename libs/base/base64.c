#include "base/base64.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void base64_encode(struct buffer *out, const void *bytes, size_t size)
{
    const unsigned char *from = bytes;
    for (size_t i = 0; i < size; i += 3) {
        size_t left = size - i < 3 ? size - i : 3;
        uint32_t group = (uint32_t)from[i] << 16;
        if (left > 1)
            group |= (uint32_t)from[i + 1] << 8;
        if (left > 2)
            group |= from[i + 2];
        char text[4] = { alphabet[group >> 18], alphabet[group >> 12 & 63], '=', '=' };
        if (left > 1)
            text[2] = alphabet[group >> 6 & 63];
        if (left > 2)
            text[3] = alphabet[group & 63];
        buffer_put(out, text, sizeof text);
    }
}

size_t base64_decoded_size(size_t length)
{
    return length / 4 * 3 + 3;
}

static int digit_value(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

bool base64_decode(unsigned char *target, size_t *out_size, const char *text, size_t length)
{
    if (length > 0 && length % 4 == 0 && text[length - 1] == '=')
        length -= text[length - 2] == '=' ? 2 : 1;
    if (length % 4 == 1)
        return false;
    uint32_t bits = 0;
    int bit_count = 0;
    size_t size = 0;
    for (size_t i = 0; i < length; i++) {
        int value = digit_value(text[i]);
        if (value < 0)
            return false;
        bits = (bits << 6 | (uint32_t)value) & 0xffff;
        bit_count += 6;
        if (bit_count >= 8) {
            bit_count -= 8;
            target[size++] = (unsigned char)(bits >> bit_count);
        }
    }
    /* Bits left over must be zero, or two texts would stand for the same bytes. */
    if (bits & ((1u << bit_count) - 1))
        return false;
    *out_size = size;
    return true;
}
