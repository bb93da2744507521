#include "base/text.h"
#include "http/http_internal.h"
#include <string.h>

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

bool http_decode(const char *text, size_t length, bool plus_is_space, char *target)
{
    size_t size = 0;
    for (size_t i = 0; i < length; i++) {
        char c = text[i];
        if (c == '%') {
            int high = i + 2 < length ? hex_digit(text[i + 1]) : -1;
            int low = high >= 0 ? hex_digit(text[i + 2]) : -1;
            if (low < 0)
                return false;
            c = (char)(high * 16 + low);
            i += 2;
        } else if (c == '+' && plus_is_space)
            c = ' ';
        if (c == '\0')
            return false;
        target[size++] = c;
    }
    target[size] = '\0';
    return size == 0 || text_is_utf8(target, size);
}

static bool has_control(const char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text < 0x20 || *text == 0x7f)
            return true;
    return false;
}

/* Decoded first, so that %2e%2e is seen for what it is. */
static bool climbs(const char *path)
{
    for (const char *at = strstr(path, "/.."); at; at = strstr(at + 1, "/.."))
        if (at[3] == '/' || at[3] == '\0')
            return true;
    return false;
}

bool http_decode_path(struct buffer *out, const char *raw)
{
    size_t length = strlen(raw);
    buffer_reset(out);
    char *room = buffer_room(out, length);
    if (*raw != '/' || strchr(raw, '#') || !room || !http_decode(raw, length, false, room))
        return false;
    buffer_claim(out, strlen(room));
    return !has_control(out->data) && !climbs(out->data);
}
