#include "presence.h"
#include "base/uuid.h"
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#define SECOND_US INT64_C(1000000)
/* A connection that nobody has heard of for so long is one whose ingest died before it could tell of the end. */
enum { SILENT_CONNECTION_S = 2 * 3600, SILENT_DEVICE_S = 3600, SHORTEST_SILENCE_S = 180, MISSED_PERIODS = 3 };

static bool is_kind(const Nwims__V1__DevicePresence *event, const char *kind)
{
    return strcmp(event->kind, kind) == 0;
}

static bool is_sound(const Nwims__V1__DevicePresence *event)
{
    struct uuid uuid;
    return event->tenant_id > 0 && event->device_id && event->kind && event->at > 0 &&
           uuid_parse(event->device_id, strlen(event->device_id), &uuid) &&
           (is_kind(event, "connected") || is_kind(event, "disconnected") || is_kind(event, "seen") ||
               is_kind(event, "ready"));
}

static int by_device_and_time(const void *left, const void *right)
{
    const Nwims__V1__DevicePresence *const *a = left, *const *b = right;
    if ((*a)->tenant_id != (*b)->tenant_id)
        return (*a)->tenant_id < (*b)->tenant_id ? -1 : 1;
    int order = strcmp((*a)->device_id, (*b)->device_id);
    return order ? order : ((*a)->at > (*b)->at) - ((*a)->at < (*b)->at);
}

static void keep_later(int64_t *time, int64_t other)
{
    if (other > *time)
        *time = other;
}

/* Events come in the order of their time. */
static void add(struct presence *presence, const Nwims__V1__DevicePresence *event)
{
    presence->protocol = event->protocol ? event->protocol : presence->protocol;
    presence->peer = event->peer && *event->peer ? event->peer : presence->peer;
    if (event->has_last_reading_at)
        keep_later(&presence->last_reading_at, event->last_reading_at);
    if (is_kind(event, "disconnected")) {
        presence->disconnected_at = event->at;
        presence->ended_id = event->connection_id;
        presence->reason = event->reason;
        return;
    }
    keep_later(&presence->last_seen_at, event->at);
    if (is_kind(event, "connected")) {
        presence->connected_at = event->at;
        presence->connection_id = event->connection_id;
    }
    /* Over MQTT a device must subscribe first; the others take commands from the start. */
    if (is_kind(event, "ready") ||
        (is_kind(event, "connected") && event->protocol && strcmp(event->protocol, "mqtt") != 0))
        presence->ready_at = event->at;
}

bool presence_fold(const Nwims__V1__DevicePresence *const *events, size_t count, struct arena *arena,
    struct presence **out_presences, size_t *out_count, struct err *err)
{
    size_t sound = 0, devices = 0;
    const Nwims__V1__DevicePresence **sorted = arena_alloc_array(arena, count + 1, sizeof *sorted);
    struct presence *presences = arena_alloc_array(arena, count + 1, sizeof *presences);
    if (!sorted || !presences)
        return err_set(err, ERR_LIMIT, "no memory for %zu events", count);
    for (size_t i = 0; i < count; i++)
        if (is_sound(events[i]))
            sorted[sound++] = events[i];
    if (sound > 0)
        qsort(sorted, sound, sizeof *sorted, by_device_and_time);
    for (size_t i = 0; i < sound; i++) {
        if (devices == 0 || presences[devices - 1].tenant_id != sorted[i]->tenant_id ||
            strcmp(presences[devices - 1].device_id, sorted[i]->device_id) != 0)
            presences[devices++] =
                (struct presence){ .tenant_id = sorted[i]->tenant_id, .device_id = sorted[i]->device_id };
        add(&presences[devices - 1], sorted[i]);
    }
    *out_presences = presences;
    *out_count = devices;
    return true;
}

bool presence_is_online(const struct presence_state *state, int64_t now_us)
{
    int64_t silent_s = (now_us - state->last_seen_at) / SECOND_US;
    int64_t usual_s = state->period_s > 0 ? MISSED_PERIODS * state->period_s : SILENT_DEVICE_S;
    if (state->last_seen_at == 0)
        return false;
    if (state->holds_connection) /* one of several may have ended: the device was heard of since */
        return (state->is_connected || state->last_seen_at > state->disconnected_at) && silent_s < SILENT_CONNECTION_S;
    return silent_s < (usual_s > SHORTEST_SILENCE_S ? usual_s : SHORTEST_SILENCE_S);
}

static const char *kind_of_ipv4(uint32_t address)
{
    if (address >> 24 == 127)
        return "loopback";
    /* RFC 1918, RFC 6598 (carriers' own), link-local. */
    bool is_private = address >> 24 == 10 || address >> 20 == 0xac1 || address >> 16 == 0xc0a8 ||
                      address >> 22 == (0x64400000u >> 22) || address >> 16 == 0xa9fe;
    return is_private ? "ipv4-private" : "ipv4";
}

const char *presence_address_kind(const char *address)
{
    struct in_addr ipv4;
    struct in6_addr ipv6;
    if (inet_pton(AF_INET, address, &ipv4) == 1)
        return kind_of_ipv4(ntohl(ipv4.s_addr));
    if (inet_pton(AF_INET6, address, &ipv6) != 1)
        return "other";
    if (IN6_IS_ADDR_V4MAPPED(&ipv6)) {
        memcpy(&ipv4, ipv6.s6_addr + 12, sizeof ipv4);
        return kind_of_ipv4(ntohl(ipv4.s_addr));
    }
    if (IN6_IS_ADDR_LOOPBACK(&ipv6))
        return "loopback";
    return (ipv6.s6_addr[0] & 0xfe) == 0xfc || IN6_IS_ADDR_LINKLOCAL(&ipv6) ? "ipv6-private" : "ipv6";
}
