#include "auth/auth_internal.h"
#include <string.h>

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

bool auth_base64url_encode(struct buffer *out, const void *data, size_t size)
{
    const unsigned char *bytes = data;
    for (size_t i = 0; i < size; i += 3) {
        size_t left = size - i < 3 ? size - i : 3;
        uint32_t bits = (uint32_t)bytes[i] << 16;
        if (left > 1)
            bits |= (uint32_t)bytes[i + 1] << 8;
        if (left > 2)
            bits |= bytes[i + 2];
        for (size_t k = 0; k <= left; k++)
            buffer_put_char(out, alphabet[bits >> (18 - 6 * k) & 63]);
    }
    return buffer_ok(out);
}

static int value_of(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '-' ? 62 : c == '_' ? 63 : -1;
}

int base64url_decoded_size(size_t length)
{
    return length % 4 == 1 || length > INT32_MAX ? -1 : (int)(length / 4 * 3 + (length % 4 ? length % 4 - 1 : 0));
}

bool base64url_read(unsigned char *target, const char *text, size_t length)
{
    uint32_t bits = 0;
    unsigned have = 0;
    if (base64url_decoded_size(length) < 0)
        return false;
    for (size_t i = 0; i < length; i++) {
        int value = value_of(text[i]);
        if (value < 0)
            return false;
        bits = bits << 6 | (uint32_t)value;
        have += 6;
        if (have >= 8) {
            have -= 8;
            *target++ = (unsigned char)(bits >> have);
            bits &= (1U << have) - 1;
        }
    }
    return bits == 0;
}

bool auth_base64url_decode(struct buffer *out, const char *text, size_t length, struct err *err)
{
    int size = base64url_decoded_size(length);
    if (size < 0)
        return err_set(err, ERR_INPUT, "%zu characters are no base64url", length);
    if (size == 0)
        return true;
    char *room = buffer_room(out, (size_t)size);
    if (!room)
        return err_set(err, ERR_LIMIT, "no room for %d bytes", size);
    if (!base64url_read((unsigned char *)room, text, length))
        return err_set(err, ERR_INPUT, "this is no base64url");
    buffer_claim(out, (size_t)size);
    return true;
}
