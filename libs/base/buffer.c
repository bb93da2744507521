#include "base/buffer.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void buffer_init(struct buffer *buffer, size_t ceiling_bytes)
{
    *buffer = (struct buffer){ .ceiling_bytes = ceiling_bytes };
}

void buffer_done(struct buffer *buffer)
{
    free(buffer->data);
    *buffer = (struct buffer){ .ceiling_bytes = buffer->ceiling_bytes };
}

void buffer_reset(struct buffer *buffer)
{
    buffer->size = 0;
    buffer->failed = false;
    if (buffer->data)
        buffer->data[0] = '\0';
}

bool buffer_ok(const struct buffer *buffer)
{
    return !buffer->failed;
}

char *buffer_room(struct buffer *buffer, size_t size)
{
    size_t ceiling = buffer->ceiling_bytes ? buffer->ceiling_bytes : (size_t)BUFFER_DEFAULT_CEILING;
    size_t wanted;
    if (buffer->failed || __builtin_add_overflow(buffer->size, size, &wanted) || wanted >= ceiling) {
        buffer->failed = true;
        return NULL;
    }
    if (wanted + 1 > buffer->capacity) {
        size_t capacity = buffer->capacity ? buffer->capacity : 256;
        while (capacity < wanted + 1)
            capacity *= 2;
        char *data = realloc(buffer->data, capacity);
        if (!data) {
            buffer->failed = true;
            return NULL;
        }
        buffer->data = data;
        buffer->capacity = capacity;
    }
    return buffer->data + buffer->size;
}

void buffer_claim(struct buffer *buffer, size_t size)
{
    buffer->size += size;
    buffer->data[buffer->size] = '\0';
}

void buffer_put(struct buffer *buffer, const void *bytes, size_t size)
{
    char *room = buffer_room(buffer, size);
    if (!room)
        return;
    if (size > 0)
        memcpy(room, bytes, size);
    buffer_claim(buffer, size);
}

void buffer_put_text(struct buffer *buffer, const char *text)
{
    buffer_put(buffer, text, strlen(text));
}

void buffer_put_char(struct buffer *buffer, char c)
{
    buffer_put(buffer, &c, 1);
}

void buffer_printf(struct buffer *buffer, const char *format, ...)
{
    va_list values;
    va_start(values, format);
    int length = vsnprintf(NULL, 0, format, values);
    va_end(values);
    char *room = length < 0 ? NULL : buffer_room(buffer, (size_t)length);
    if (!room) {
        buffer->failed = true;
        return;
    }
    va_start(values, format);
    vsnprintf(room, (size_t)length + 1, format, values);
    va_end(values);
    buffer_claim(buffer, (size_t)length);
}
