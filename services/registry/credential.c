#include "credential.h"
#include "base/clock.h"
#include "base/text.h"
#include "base/uuid.h"
#include "field.h"
#include <string.h>

enum { LORAWAN_KEY = 16, PSK_SHORTEST = 16, PSK_MADE = 32 };

/* Bytes in hexadecimal from the request; false if they are none of so many. */
static bool read_hex(unsigned char *bytes, size_t size, const char *text)
{
    return text && strlen(text) == 2 * size && text_from_hex(bytes, size, text, 2 * size);
}

/* A name of so many bytes in hexadecimal, colons allowed, becomes the lookup. */
static void read_name(struct rpc_call *call, struct err *err, struct credential *credential, const char *field,
    const char *name, size_t size)
{
    unsigned char bytes[32];
    if (!name || !credential_lookup(credential->lookup, credential->kind, name) ||
        !read_hex(bytes, size, credential->lookup))
        rpc_violation(call, err, field, "must be %zu hexadecimal digits", 2 * size);
}

/* One of the two keys of LoRaWAN, behind what is there. Not given: made, if it must be there. */
static void read_key(struct rpc_call *call, struct err *err, struct credential *credential, const char *field,
    const char *key, bool is_made)
{
    unsigned char *at = credential->key + credential->key_size;
    if (!key && !is_made)
        return;
    if (!key)
        random_bytes(at, LORAWAN_KEY);
    else if (!read_hex(at, LORAWAN_KEY, key))
        rpc_violation(call, err, field, "must be 32 hexadecimal digits");
    credential->key_size += LORAWAN_KEY;
}

static void read_lorawan(struct rpc_call *call, struct err *err, const Nwims__V1__CreateCredentialRequest *request,
    struct credential *credential)
{
    char join_eui[CREDENTIAL_LOOKUP_SIZE];
    unsigned char bytes[8];
    credential->may_repeat = true;
    read_name(call, err, credential, "dev_eui", request->dev_eui, sizeof bytes);
    read_key(call, err, credential, "app_key", request->app_key, true);
    read_key(call, err, credential, "nwk_key", request->nwk_key, false);
    if (!request->join_eui)
        return;
    if (!credential_lookup(join_eui, credential->kind, request->join_eui) || !read_hex(bytes, sizeof bytes, join_eui) ||
        !text_copy(credential->join_eui, sizeof credential->join_eui, join_eui, strlen(join_eui)))
        rpc_violation(call, err, "join_eui", "must be 16 hexadecimal digits");
}

static void read_psk(struct rpc_call *call, struct err *err, const Nwims__V1__CreateCredentialRequest *request,
    struct credential *credential)
{
    char made[UUID_TEXT_SIZE];
    struct uuid uuid = uuid_new();
    uuid_format(made, &uuid);
    if (!credential_lookup(credential->lookup, credential->kind, request->identity ? request->identity : made) ||
        strlen(credential->lookup) > 64)
        rpc_violation(call, err, "identity", "must have 1 to 64 bytes");
    size_t size = request->key ? strlen(request->key) / 2 : PSK_MADE;
    credential->key_size = size;
    if (!request->key)
        random_bytes(credential->key, PSK_MADE);
    else if (size < PSK_SHORTEST || size > CREDENTIAL_KEY_LONGEST || !read_hex(credential->key, size, request->key))
        rpc_violation(call, err, "key", "must be 16 to 64 bytes in hexadecimal");
}

/* E.164: + and up to 15 digits, the first not 0. */
static void read_phone(struct rpc_call *call, struct err *err, const char *phone, struct credential *credential)
{
    size_t digits = phone && *phone == '+' ? strspn(phone + 1, "0123456789") : 0;
    if (digits < 2 || digits > 15 || phone[1] == '0' || phone[1 + digits] ||
        !credential_lookup(credential->lookup, credential->kind, phone))
        rpc_violation(call, err, "phone", "must be a number as in E.164: + and up to 15 digits");
}

/* Public, and kept as keys are: wrapped with the credential's id, so that none can be put in its place. */
static void read_public_key(struct rpc_call *call, struct err *err, const char *pem, struct credential *credential)
{
    struct err problem = { 0 };
    char key_id[DEVICE_KEY_ID_SIZE];
    if (!pem || !signing_key_point_of_pem(credential->key, pem, strlen(pem), &problem)) {
        rpc_violation(call, err, "public_key", "must be a public key on the curve P-256 in PEM form");
        return;
    }
    device_key_id(key_id, credential->key);
    credential->key_size = P256_POINT_SIZE;
    if (!credential_lookup(credential->lookup, credential->kind, key_id))
        err_set(err, ERR_BUG, "a key's name is too long");
}

/* What is for another kind would be dropped silently. */
static void refuse_others(struct rpc_call *call, struct err *err, const Nwims__V1__CreateCredentialRequest *request)
{
    const char *kind = request->kind ? request->kind : "token";
    const struct {
        const char *field, *kind, *value;
    } fields[] = { { "identity", "psk", request->identity }, { "key", "psk", request->key },
        { "fingerprint", "x509", request->fingerprint }, { "dev_eui", "lorawan", request->dev_eui },
        { "join_eui", "lorawan", request->join_eui }, { "app_key", "lorawan", request->app_key },
        { "nwk_key", "lorawan", request->nwk_key }, { "phone", "phone", request->phone },
        { "public_key", "jwt", request->public_key } };
    for (size_t i = 0; i < COUNT_OF(fields); i++)
        if (fields[i].value && strcmp(fields[i].kind, kind) != 0)
            rpc_violation(call, err, fields[i].field, "is only for the kind %s", fields[i].kind);
}

static void read_by_kind(struct rpc_call *call, struct err *err, const Nwims__V1__CreateCredentialRequest *request,
    struct credential *credential)
{
    if (strcmp(credential->kind, "psk") == 0)
        read_psk(call, err, request, credential);
    else if (strcmp(credential->kind, "x509") == 0)
        read_name(call, err, credential, "fingerprint", request->fingerprint, SHA256_SIZE);
    else if (strcmp(credential->kind, "lorawan") == 0)
        read_lorawan(call, err, request, credential);
    else if (strcmp(credential->kind, "phone") == 0)
        read_phone(call, err, request->phone, credential);
    else if (strcmp(credential->kind, "jwt") == 0)
        read_public_key(call, err, request->public_key, credential);
    else
        auth_secret_new(credential->token, "nwd_");
}

bool credential_prepare(struct rpc_call *call, const Nwims__V1__CreateCredentialRequest *request,
    struct credential *out_credential, struct err *err)
{
    *out_credential = (struct credential){ .kind = request->kind ? request->kind : "token" };
    field_choice(call, err, "kind", request->kind, "token|psk|x509|lorawan|phone|jwt", false);
    if (request->has_expires_at && request->expires_at <= clock_now_us())
        rpc_violation(call, err, "expires_at", "must be in the future");
    refuse_others(call, err, request);
    if (err->kind == ERR_NONE)
        read_by_kind(call, err, request, out_credential);
    if (err->kind != ERR_NONE)
        return false;
    if (*out_credential->token)
        auth_sha256(out_credential->verifier, out_credential->token, strlen(out_credential->token));
    else
        credential_verifier(out_credential->verifier, out_credential->kind, out_credential->lookup);
    return true;
}

static char *hex_in(struct arena *arena, const unsigned char *bytes, size_t size)
{
    char *text = arena_alloc(arena, 2 * size + 1);
    if (text)
        text_hex(text, bytes, size);
    return text;
}

bool credential_show(
    const struct credential *credential, struct arena *arena, Nwims__V1__Credential *reply, struct err *err)
{
    bool is_lorawan = strcmp(credential->kind, "lorawan") == 0, has_nwk = credential->key_size > LORAWAN_KEY;
    bool ok = true;
    if (*credential->token)
        ok = (reply->secret = arena_text(arena, credential->token)) != NULL;
    else if (is_lorawan)
        ok = (reply->app_key = hex_in(arena, credential->key, LORAWAN_KEY)) != NULL &&
             (!has_nwk || (reply->nwk_key = hex_in(arena, credential->key + LORAWAN_KEY, LORAWAN_KEY)) != NULL);
    else if (strcmp(credential->kind, "psk") == 0)
        ok = (reply->secret = hex_in(arena, credential->key, credential->key_size)) != NULL;
    return ok || err_set(err, ERR_LIMIT, "no memory left for the answer");
}

void credential_done(struct credential *credential)
{
    explicit_bzero(credential, sizeof *credential);
}
