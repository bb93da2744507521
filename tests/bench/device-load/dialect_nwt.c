#include "base/clock.h"
#include "base/crc32c.h"
#include "dialect.h"
#include <stdio.h>
#include <string.h>

/* services/ingest-tcp/README.md */
enum { HELLO = 1, WELCOME = 4, DATA = 5, ACK = 6, NACK = 7, BYE = 14, HEAD_BYTES = 14, CRC_BYTES = 4, BY_TOKEN = 1 };
enum { RECORDS_TO_COME = 1000000000, KEEP_ALIVE_S = 600, FORMAT_JSON = 1 };

static unsigned char *put(unsigned char *at, uint64_t value, size_t size)
{
    for (size_t i = 0; i < size; i++)
        at[i] = (unsigned char)(value >> 8 * (size - 1 - i));
    return at + size;
}

static uint64_t number_at(const unsigned char *at, size_t size)
{
    uint64_t value = 0;
    for (size_t i = 0; i < size; i++)
        value = value << 8 | at[i];
    return value;
}

/* Over TLS there would be no trailer. */
static size_t finish(
    const struct fleet_config *config, unsigned char *packet, unsigned type, uint64_t sequence, unsigned char *end)
{
    size_t size = (size_t)(end - packet) + (config->tls ? 0 : CRC_BYTES);
    put(put(put(packet, size - 3, 3), type, 1), 0, 2);
    put(packet + 6, sequence, 8);
    if (!config->tls)
        put(end, crc32c(packet, size - CRC_BYTES), CRC_BYTES);
    return size;
}

/* A new store each run: the numbers begin at 1. */
static size_t greet(const struct fleet_config *config, size_t device, unsigned char packet[DIALECT_PACKET_BYTES])
{
    static int64_t epoch;
    const char *token = config->tokens[device % config->token_count];
    epoch = epoch ? epoch : clock_now_us();
    unsigned char *at = put(put(packet + HEAD_BYTES, 1, 1), BY_TOKEN, 1);
    at = put(put(at, (uint64_t)epoch, 8), 1, 8);
    at = put(put(at, RECORDS_TO_COME, 8), 0, 16);
    at = put(put(at, KEEP_ALIVE_S, 4), strlen(token), 1);
    memcpy(at, token, strlen(token));
    return finish(config, packet, HELLO, 0, put(at + strlen(token), 0, 2));
}

static size_t message(const struct fleet_config *config, const struct dialect_count *count, size_t device,
    uint64_t number, unsigned char packet[DIALECT_PACKET_BYTES])
{
    unsigned char *at = put(put(packet + HEAD_BYTES, 1, 4), FORMAT_JSON, 1);
    int64_t ms = config->start_ms + (int64_t)number;
    at += snprintf((char *)at, (size_t)(packet + DIALECT_PACKET_BYTES - CRC_BYTES - at),
        "{\"t\":%lld.%03d,\"m\":{\"%s%05zu\":%llu.5}}", (long long)(ms / 1000), (int)(ms % 1000), config->sensor_prefix,
        device % config->sensor_count, (unsigned long long)(number % 1000));
    return finish(config, packet, DATA, count->sent, at);
}

static ssize_t hear(
    const struct dialect_count *count, const unsigned char *bytes, size_t size, struct dialect_heard *out_heard)
{
    size_t whole = size < 3 ? 0 : 3 + (size_t)number_at(bytes, 3);
    if (size >= 4 && (bytes[3] == BYE || bytes[3] == NACK))
        return -1;
    if (size < 3 || size < whole)
        return 0;
    uint64_t sequence = number_at(bytes + 6, 8);
    out_heard->is_welcome = bytes[3] == WELCOME;
    out_heard->acknowledged = bytes[3] == ACK && sequence > count->acknowledged && sequence <= count->sent
                                  ? sequence - count->acknowledged
                                  : 0;
    return (ssize_t)whole;
}

const struct fleet_dialect dialect_nwt = { greet, message, hear };
