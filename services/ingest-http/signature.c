#include "signature.h"
#include "auth/hmac.h"
#include "base/base64.h"
#include "base/number.h"
#include "base/text.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define FORM                                                                                                           \
    "Nwims-Signature is: keyid=<identity>, ts=<seconds since 1970>, nonce=<never used twice>, alg=hmac-sha256, "       \
    "sig=<64 hexadecimal digits>"
enum { DIGEST_HEX = 2 * SHA256_SIZE, LATEST_SECOND = 253402300 /* thousands: the year 9999 */ };

bool signature_is_there(const struct signed_headers *headers)
{
    return headers->signature || headers->webhook_signature;
}

static bool is_printable(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (text[i] <= ' ' || text[i] > '~')
            return false;
    return length > 0;
}

static bool take_text(char *target, size_t size, const char *text, size_t length)
{
    return is_printable(text, length) && text_copy(target, size, text, length);
}

static bool take_time(struct signature *signature, const char *text, size_t length)
{
    int64_t seconds;
    if (!take_text(signature->timestamp, sizeof signature->timestamp, text, length) ||
        !number_parse_int(text, length, &seconds) || seconds < 0 || seconds / 1000 > LATEST_SECOND)
        return false;
    signature->signed_at = seconds * 1000000;
    return true;
}

/* ---- keyid=..., ts=..., ... ---- */
enum part { KEY_ID, TIME, NONCE, ALGORITHM, SIGNATURE, PARTS };

static bool take_part(struct signature *signature, enum part part, const char *text, size_t length)
{
    switch (part) {
    case KEY_ID:
        return take_text(signature->key_id, sizeof signature->key_id, text, length);
    case TIME:
        return take_time(signature, text, length);
    case NONCE:
        return take_text(signature->nonce, sizeof signature->nonce, text, length);
    case ALGORITHM:
        return length == 11 && memcmp(text, "hmac-sha256", 11) == 0;
    case SIGNATURE:
        return length == DIGEST_HEX && text_from_hex(signature->digest, SHA256_SIZE, text, length);
    case PARTS:
        break;
    }
    return false;
}

static bool read_parts(struct signature *signature, const char *at)
{
    static const char *const names[PARTS] = { "keyid", "ts", "nonce", "alg", "sig" };
    unsigned seen = 0;
    while (*at) {
        size_t length = strcspn(at, ","), name = strcspn(at, "=,");
        enum part part = 0;
        while (part < PARTS && (strlen(names[part]) != name || memcmp(names[part], at, name) != 0))
            part++;
        if (part == PARTS || name == length || seen & 1u << part ||
            !take_part(signature, part, at + name + 1, length - name - 1))
            return false;
        seen |= 1u << part;
        at += length;
        at += *at == ',';
        at += strspn(at, " ");
    }
    return seen == (1u << PARTS) - 1;
}

static bool read_webhook(struct signature *signature, const struct signed_headers *headers)
{
    const char *id = headers->webhook_id, *time = headers->webhook_timestamp, *key_id = headers->key_id;
    signature->webhook = headers->webhook_signature;
    return id && time && key_id && take_text(signature->nonce, sizeof signature->nonce, id, strlen(id)) &&
           take_text(signature->key_id, sizeof signature->key_id, key_id, strlen(key_id)) &&
           take_time(signature, time, strlen(time));
}

bool signature_read(struct signature *out_signature, const struct signed_headers *headers, struct err *err)
{
    *out_signature = (struct signature){ 0 };
    if (headers->signature)
        return read_parts(out_signature, headers->signature) || err_set(err, ERR_UNAUTHENTICATED, FORM);
    return read_webhook(out_signature, headers) ||
           err_set(err, ERR_UNAUTHENTICATED,
               "a webhook is signed with webhook-id, webhook-timestamp, webhook-signature and Nwims-Key-Id");
}

bool signature_is_fresh(const struct signature *signature, int64_t now_us, int64_t window_ms, struct err *err)
{
    int64_t off_us = signature->signed_at - now_us;
    if (off_us <= window_ms * 1000 && off_us >= -window_ms * 1000)
        return true;
    return err_set(err, ERR_UNAUTHENTICATED,
        "the signature's time is %" PRId64 " seconds off ours, which GET /time tells: %" PRId64 " are the most",
        off_us / 1000000, window_ms / 1000);
}

/* ---- checking ---- */
static bool matches_own(const struct signature *signature, const struct signed_request *request,
    const unsigned char *key, size_t key_size, struct arena *arena)
{
    unsigned char digest[SHA256_SIZE];
    char hex[DIGEST_HEX + 1];
    auth_sha256(digest, request->body, request->size);
    text_hex(hex, digest, sizeof digest);
    const char *text = arena_printf(arena, "%s\n%s%s%s\n%s\n%s\n%s", request->method, request->path,
        *request->query ? "?" : "", request->query, signature->timestamp, signature->nonce, hex);
    if (!text)
        return false;
    hmac_sha256(digest, key, key_size, &(struct hmac_part){ text, strlen(text) }, 1);
    return auth_equal(digest, signature->digest, sizeof digest);
}

/* Of several signatures, which a change of keys brings, one must fit. */
static bool matches_webhook(const struct signature *signature, const struct signed_request *request,
    const unsigned char *key, size_t key_size, struct arena *arena)
{
    unsigned char digest[SHA256_SIZE], given[SHA256_SIZE + 4];
    const char *head = arena_printf(arena, "%s.%s.", signature->nonce, signature->timestamp);
    bool is_good = false;
    if (!head)
        return false;
    const struct hmac_part parts[] = { { head, strlen(head) }, { request->body, request->size } };
    hmac_sha256(digest, key, key_size, parts, COUNT_OF(parts));
    for (const char *at = signature->webhook; *at;) {
        size_t length = strcspn(at, " "), size = 0;
        if (length > 3 && memcmp(at, "v1,", 3) == 0 && base64_decoded_size(length - 3) <= sizeof given &&
            base64_decode(given, &size, at + 3, length - 3) && size == sizeof digest)
            is_good = auth_equal(digest, given, sizeof digest) || is_good;
        at += length;
        at += *at == ' ';
    }
    return is_good;
}

bool signature_matches(const struct signature *signature, const struct signed_request *request,
    const unsigned char *key, size_t key_size, struct arena *arena)
{
    if (key_size == 0)
        return false;
    return signature->webhook ? matches_webhook(signature, request, key, key_size, arena)
                              : matches_own(signature, request, key, key_size, arena);
}
