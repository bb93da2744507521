#include "base/uuid.h"
#include "base/clock.h"
#include "base/text.h"
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

void random_bytes(void *target, size_t size)
{
    unsigned char *at = target;
    while (size > 0) {
        ssize_t got = getrandom(at, size, 0);
        if (got <= 0) {
            fputs("getrandom failed: no source of randomness\n", stderr);
            abort();
        }
        at += got;
        size -= (size_t)got;
    }
}

static _Thread_local struct {
    unsigned char bytes[512];
    size_t left;
} stock;

static void drop_stock(void)
{
    stock.left = 0;
}

__attribute__((constructor)) static void watch_forks(void)
{
    if (pthread_atfork(NULL, NULL, drop_stock) != 0)
        abort();
}

void random_numbers(void *target, size_t size)
{
    if (size > sizeof stock.bytes) {
        random_bytes(target, size);
        return;
    }
    if (stock.left < size) {
        random_bytes(stock.bytes, sizeof stock.bytes);
        stock.left = sizeof stock.bytes;
    }
    stock.left -= size;
    memcpy(target, stock.bytes + stock.left, size);
    memset(stock.bytes + stock.left, 0, size);
}

struct uuid uuid_new(void)
{
    struct uuid uuid;
    uint64_t ms = (uint64_t)clock_now_us() / 1000;
    random_numbers(uuid.bytes + 6, sizeof uuid.bytes - 6);
    for (int i = 0; i < 6; i++)
        uuid.bytes[i] = (unsigned char)(ms >> (40 - 8 * i));
    uuid.bytes[6] = (unsigned char)((uuid.bytes[6] & 0x0f) | 0x70);
    uuid.bytes[8] = (unsigned char)((uuid.bytes[8] & 0x3f) | 0x80);
    return uuid;
}

void uuid_format(char text[UUID_TEXT_SIZE], const struct uuid *uuid)
{
    static const size_t parts[] = { 4, 2, 2, 2, 6 };
    const unsigned char *at = uuid->bytes;
    for (size_t i = 0; i < COUNT_OF(parts); i++) {
        if (i > 0)
            *text++ = '-';
        text_hex(text, at, parts[i]);
        text += 2 * parts[i];
        at += parts[i];
    }
}

bool uuid_parse(const char *text, size_t length, struct uuid *out_uuid)
{
    char hex[32];
    size_t digits = 0;
    struct uuid uuid;
    if (length != 36)
        return false;
    for (size_t i = 0; i < length; i++) {
        bool is_hyphen_place = i == 8 || i == 13 || i == 18 || i == 23;
        if (is_hyphen_place != (text[i] == '-'))
            return false;
        if (!is_hyphen_place)
            hex[digits++] = text[i];
    }
    if (!text_from_hex(uuid.bytes, sizeof uuid.bytes, hex, digits))
        return false;
    *out_uuid = uuid;
    return true;
}
