/* Many devices in one thread, as far as a load needs them: connect, say who they are, send one reading a message, count
 * acknowledgements, answer nothing else. Plain or TLS. What they speak is a dialect: MQTT (QoS 1) or NWT/1. */
#pragma once
#include "base/compiler.h"
#include <openssl/ssl.h>

enum { FLEET_MOST_WINDOW = 64, FLEET_TOKEN_SIZE = 80 };
struct fleet_dialect;
struct fleet_config {
    const struct fleet_dialect *dialect;
    const char *host; /* an IPv4 address */
    int port;
    SSL_CTX *tls;         /* NULL: plain */
    bool forgets_tickets; /* shakes hands in full each time */
    size_t count;
    const char (*tokens)[FLEET_TOKEN_SIZE];
    size_t token_count;
    const char *sensor_prefix;
    size_t sensor_count;
    size_t window; /* unacknowledged messages of a device */
    int64_t start_ms;
};
struct fleet_counts {
    uint64_t sent, acknowledged, failed, lost, resumed; /* resumed: handshakes by a ticket */
    size_t connected;
};
struct fleet;
MUST_CHECK struct fleet *fleet_new(const struct fleet_config *config);
void fleet_free(struct fleet *fleet);
/* Connects all, at most so many at a time under way, those that were refused again; false if not all are in after
 * wait_ms. */
MUST_CHECK bool fleet_connect(struct fleet *fleet, size_t at_a_time, int64_t wait_ms);
/* Every connection ends without a word; with TLS each device keeps its ticket for when it comes back, unless it
 * forgets_tickets. */
void fleet_hang_up(struct fleet *fleet);
/* Sends up to so many messages, a round over the devices that have room, and reads what has come within wait_ms. */
void fleet_turn(struct fleet *fleet, uint64_t most, int wait_ms);
const struct fleet_counts *fleet_counts(const struct fleet *fleet);
/* Of acknowledgements since fleet_forget, in ms; share 0.5, 0.99 ... */
double fleet_latency_ms(const struct fleet *fleet, double share);
void fleet_forget(struct fleet *fleet);
