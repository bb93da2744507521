#include "dialect.h"
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static size_t put_field(unsigned char *at, const char *text, size_t size)
{
    at[0] = (unsigned char)(size >> 8);
    at[1] = (unsigned char)(size & 0xff);
    memcpy(at + 2, text, size);
    return size + 2;
}

static size_t greet(const struct fleet_config *config, size_t device, unsigned char packet[DIALECT_PACKET_BYTES])
{
    static const unsigned char start[] = { 0, 4, 'M', 'Q', 'T', 'T', 4, 0x82, 0x02,
        0x58 }; /* clean, user name, 600 s */
    char id[32];
    size_t size = 2;
    const char *token = config->tokens[device % config->token_count];
    memcpy(packet + size, start, sizeof start);
    size += sizeof start;
    size += put_field(packet + size, id, (size_t)snprintf(id, sizeof id, "load-%d-%zu", (int)getpid(), device));
    size += put_field(packet + size, token, strlen(token));
    packet[0] = 0x10;
    packet[1] = (unsigned char)(size - 2); /* below 128: token and id are short */
    return size;
}

/* The n-th message of a sensor is n milliseconds after the start: none is there twice. */
static size_t message(const struct fleet_config *config, const struct dialect_count *count, size_t device,
    uint64_t number, unsigned char packet[DIALECT_PACKET_BYTES])
{
    static const char topic[] = "v1/devices/me/telemetry";
    uint16_t id = (uint16_t)(count->sent % UINT16_MAX + 1);
    size_t size = 2 + put_field(packet + 2, topic, sizeof topic - 1);
    packet[size++] = (unsigned char)(id >> 8);
    packet[size++] = (unsigned char)(id & 0xff);
    size += (size_t)snprintf((char *)packet + size, DIALECT_PACKET_BYTES - size,
        "{\"ts\":%lld,\"values\":{\"%s%05zu\":%llu.5}}", (long long)(config->start_ms + (int64_t)number),
        config->sensor_prefix, device % config->sensor_count, (unsigned long long)(number % 1000));
    packet[0] = 0x32;
    packet[1] = (unsigned char)(size - 2); /* below 128 */
    return size;
}

/* CONNACK and PUBACK of 3.1.1 have four bytes. */
static ssize_t hear(
    const struct dialect_count *count, const unsigned char *bytes, size_t size, struct dialect_heard *out_heard)
{
    if (size < 4)
        return 0;
    if (bytes[0] == 0x20 && bytes[3] != 0)
        return -1;
    out_heard->is_welcome = bytes[0] == 0x20;
    out_heard->acknowledged = bytes[0] == 0x40 && count->acknowledged < count->sent;
    return 4;
}

const struct fleet_dialect dialect_mqtt = { greet, message, hear };
