/* Who the device is: a token, a signature, or the certificate that the proxy has verified. */
#include "auth/auth.h"
#include "base/base64.h"
#include "base/clock.h"
#include "base/text.h"
#include "ingest_http.h"
#include "service/audit_trail.h"
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define NO_TOKEN                                                                                                       \
    "Send \"Authorization: Bearer <device token>\"; POST /api/v1/devices/{id}/credentials makes one; or sign the "     \
    "request, or show a certificate."
#define WRONG_SIGNATURE "The signature does not fit the request, or nobody has this key id."
#define SEEN_BEFORE "This nonce was used before: a request is taken once. Sign it anew, with another nonce."

enum { LONGEST_BASIC = 512, CLAIM_MS = 2000, CLAIM_ID_SIZE = 32 + 2 * SHA256_SIZE };

/* What a device shows. */
struct proof {
    const char *token; /* or NULL */
    const char *kind;  /* of what it is found by where there is no token: "psk", "x509" */
    const char *name;
};

static void count_failure(const struct delivery *delivery)
{
    const char *peer = http_request_peer(delivery->request);
    failure_gate_count(delivery->app->failures, peer, clock_monotonic_us());
    audit_trail_device_refused(
        delivery->app->trail, &(struct audit_device){ .protocol = "http", .reason = "credentials", .peer = peer });
}

/* ---- what is shown ---- */
/* Of "user:password" the password; the arena's. */
static const char *password_of_basic(struct http_request *request, const char *text)
{
    size_t length = strlen(text), size = 0;
    if (length > LONGEST_BASIC)
        return NULL;
    unsigned char *plain = arena_alloc(http_request_arena(request), base64_decoded_size(length) + 1);
    if (!plain || !base64_decode(plain, &size, text, length) || memchr(plain, '\0', size))
        return NULL;
    plain[size] = '\0';
    const char *colon = strchr((const char *)plain, ':');
    return colon ? colon + 1 : NULL;
}

static const char *token_of(const struct delivery *delivery)
{
    static const char *const schemes[] = { "Bearer ", "Device ", "Token " };
    const char *header = http_request_header(delivery->request, "Authorization");
    if (delivery->path_token)
        return delivery->path_token;
    for (size_t i = 0; header && i < COUNT_OF(schemes); i++)
        if (strncasecmp(header, schemes[i], strlen(schemes[i])) == 0)
            return header + strlen(schemes[i]);
    return header && strncasecmp(header, "Basic ", 6) == 0 ? password_of_basic(delivery->request, header + 6) : NULL;
}

static struct signed_headers signed_headers_of(const struct http_request *request)
{
    return (struct signed_headers){ .signature = http_request_header(request, "Nwims-Signature"),
        .key_id = http_request_header(request, "Nwims-Key-Id"),
        .webhook_id = http_request_header(request, "webhook-id"),
        .webhook_timestamp = http_request_header(request, "webhook-timestamp"),
        .webhook_signature = http_request_header(request, "webhook-signature") };
}

/* False after it has answered. */
static bool read_proof(struct delivery *delivery, struct proof *out_proof)
{
    struct err err = { 0 };
    const struct signed_headers headers = signed_headers_of(delivery->request);
    *out_proof = (struct proof){ .token = token_of(delivery) };
    delivery->is_signed = !out_proof->token && signature_is_there(&headers);
    if (delivery->is_signed) {
        if (!signature_read(&delivery->signature, &headers, &err) ||
            !signature_is_fresh(&delivery->signature, clock_now_us(), delivery->app->config.signature_ms, &err)) {
            door_problem(delivery, 401, NULL, err.text);
            return false;
        }
        out_proof->kind = "psk";
        out_proof->name = delivery->signature.key_id;
    } else if (!out_proof->token) {
        out_proof->kind = "x509";
        out_proof->name = http_request_certificate(delivery->request);
    }
    if (out_proof->token ? *out_proof->token != '\0' : out_proof->name != NULL)
        return true;
    door_problem(delivery, 401, NULL, NO_TOKEN);
    return false;
}

/* ---- whose it is ---- */
static bool is_known(struct directory *directory, const struct proof *proof, struct directory_device *out_device)
{
    return proof->token ? directory_device_known(directory, proof->token, out_device)
                        : directory_named_known(directory, proof->kind, proof->name, out_device);
}

static bool find(struct delivery *delivery, const struct proof *proof, struct err *err)
{
    struct directory *directory = delivery->app->directory;
    struct arena *arena = http_request_arena(delivery->request);
    return proof->token ? directory_device(directory, proof->token, &delivery->device, arena, err)
                        : directory_named(directory, proof->kind, proof->name, &delivery->device, arena, err);
}

bool login(struct delivery *delivery)
{
    struct err err = { 0 };
    struct proof proof;
    struct app *app = delivery->app;
    if (!read_proof(delivery, &proof))
        return false;
    /* Many devices may share an address: those that are known are not shut out by one that guesses. */
    if (!failure_gate_is_open(app->failures, http_request_peer(delivery->request), clock_monotonic_us())) {
        if (is_known(app->directory, &proof, &delivery->device))
            return true;
        door_turn_away(
            delivery, 429, "too-many-failures", "Too many wrong credentials came from this address; wait a minute.");
        return false;
    }
    if (find(delivery, &proof, &err))
        return true;
    if (err.kind == ERR_UNAUTHENTICATED)
        count_failure(delivery);
    if (err.kind == ERR_UNAUTHENTICATED && delivery->is_signed)
        door_problem(delivery, 401, NULL, WRONG_SIGNATURE);
    else
        door_fail(delivery, &err);
    return false;
}

/* ---- signatures ---- */
/* The stream keeps message ids for longer than a signature is fresh, for all replicas: a nonce that it has seen is a
 * duplicate. */
static bool claim_nonce(const struct delivery *delivery, bool *out_is_new, struct err *err)
{
    char subject[64], id[CLAIM_ID_SIZE], hex[2 * SHA256_SIZE + 1];
    unsigned char digest[SHA256_SIZE];
    bool is_duplicate = false;
    const char *both = arena_printf(
        http_request_arena(delivery->request), "%s\n%s", delivery->signature.key_id, delivery->signature.nonce);
    if (!both)
        return err_set(err, ERR_LIMIT, "no memory for a nonce");
    auth_sha256(digest, both, strlen(both));
    text_hex(hex, digest, sizeof digest);
    snprintf(subject, sizeof subject, "once.%d.nonce", (int)delivery->device.tenant_id);
    snprintf(id, sizeof id, "nonce-%d-%s", (int)delivery->device.tenant_id, hex);
    const struct bus_outgoing message = { .subject = subject, .data = "", .size = 0 };
    if (!bus_publish(delivery->app->bus, &message, id, CLAIM_MS, &is_duplicate, err))
        return err_wrap(err, "claiming a nonce");
    *out_is_new = !is_duplicate;
    return true;
}

bool login_signature(struct delivery *delivery)
{
    struct http_request *request = delivery->request;
    const struct signed_request is = { .method = http_request_method(request),
        .path = http_request_path(request),
        .query = http_request_query(request),
        .body = delivery->body,
        .size = delivery->size };
    struct err err = { 0 };
    bool is_new = false;
    if (!delivery->is_signed)
        return true;
    if (!signature_matches(
            &delivery->signature, &is, delivery->device.key, delivery->device.key_size, http_request_arena(request))) {
        count_failure(delivery);
        door_problem(delivery, 401, NULL, WRONG_SIGNATURE);
    } else if (!claim_nonce(delivery, &is_new, &err)) {
        door_fail(delivery, &err);
    } else if (!is_new) {
        door_problem(delivery, 401, "replayed", SEEN_BEFORE);
    }
    explicit_bzero(delivery->device.key, sizeof delivery->device.key);
    return is_new;
}
