#include "auth/jwt_form.h"
#include "base/text.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define ISSUER "nwims"
#define AUDIENCE "nwims-api"
enum { LEEWAY_S = 30, SECOND_US = 1000000 };

static void jwt_auto_free(jwt_t **jwt)
{
    jwt_free(*jwt);
}
#define AUTO_JWT __attribute__((cleanup(jwt_auto_free))) jwt_t *

static void text_auto_free(char **text)
{
    free(*text);
}
#define AUTO_TEXT __attribute__((cleanup(text_auto_free))) char *

static bool refuse(struct err *err, const char *text)
{
    return err_set(err, ERR_UNAUTHENTICATED, "%s", text);
}

/* ---- permissions ----
 * What the built-in roles give is not written out: a token comes with every request, and an administrator's would be
 * twice as long. Where "perm" is there, it alone counts. */
static bool join_roles(char permissions[CLAIM_PERMISSIONS_SIZE], const char *roles)
{
    char role[CLAIM_TEXT_SIZE];
    struct err ignored = { 0 };
    permissions[0] = '\0';
    for (size_t length; *roles; roles += length + (roles[length] == ' ')) {
        length = strcspn(roles, " ");
        if (!text_copy(role, sizeof role, roles, length) ||
            !permission_join(permissions, role_permissions(role), &ignored))
            return false;
    }
    return *permissions != '\0';
}

static bool add_permissions(jwt_t *jwt, const struct access_claims *claims)
{
    char of_roles[CLAIM_PERMISSIONS_SIZE];
    bool follow_from_roles = join_roles(of_roles, claims->roles) && strcmp(of_roles, claims->permissions) == 0;
    return follow_from_roles || jwt_add_grant(jwt, "perm", claims->permissions) == 0;
}

/* ---- signing ----------------------------------------------------------------------------------------------------- */
static bool add_claims(jwt_t *jwt, const struct access_claims *claims)
{
    return jwt_add_grant(jwt, "iss", ISSUER) == 0 && jwt_add_grant(jwt, "aud", AUDIENCE) == 0 &&
           jwt_add_grant(jwt, "sub", claims->subject) == 0 && jwt_add_grant(jwt, "jti", claims->token_id) == 0 &&
           jwt_add_grant_int(jwt, "tid", claims->tenant_id) == 0 && jwt_add_grant(jwt, "roles", claims->roles) == 0 &&
           add_permissions(jwt, claims) && jwt_add_grant(jwt, "sid", claims->session_id) == 0 &&
           (!*claims->grants || jwt_add_grant(jwt, "grants", claims->grants) == 0) &&
           jwt_add_grant_int(jwt, "sep", claims->subject_epoch) == 0 &&
           jwt_add_grant_int(jwt, "tep", claims->tenant_epoch) == 0 &&
           jwt_add_grant_int(jwt, "iat", (long)(claims->issued_at / SECOND_US)) == 0 &&
           jwt_add_grant_int(jwt, "nbf", (long)(claims->issued_at / SECOND_US)) == 0 &&
           jwt_add_grant_int(jwt, "exp", (long)(claims->expires_at / SECOND_US)) == 0;
}

bool access_token_sign(struct buffer *out, const struct signing_key *key, const char *key_id,
    const struct access_claims *claims, struct err *err)
{
    AUTO_JWT jwt = NULL;
    size_t pem_size;
    const char *pem = signing_key_pem(key, &pem_size);
    if (!pem)
        return err_set(err, ERR_BUG, "a token cannot be signed with a public key");
    if (jwt_new(&jwt) != 0 || jwt_set_alg(jwt, JWT_ALG_ES256, (const unsigned char *)pem, (int)pem_size) != 0 ||
        jwt_add_header(jwt, "kid", key_id) != 0 || !add_claims(jwt, claims))
        return err_set(err, ERR_LIMIT, "cannot make an access token");
    AUTO_TEXT text = jwt_encode_str(jwt);
    if (!text)
        return err_set(err, ERR_BUG, "cannot sign an access token: %s", openssl_reason());
    if (strlen(text) > ACCESS_TOKEN_LONGEST)
        return err_set(
            err, ERR_LIMIT, "an access token of %zu bytes: the most is %d", strlen(text), ACCESS_TOKEN_LONGEST);
    buffer_put_text(out, text);
    return buffer_ok(out) || err_set(err, ERR_LIMIT, "no room for an access token");
}

bool access_token_key_id(const char *token, char key_id[CLAIM_TEXT_SIZE], struct err *err)
{
    AUTO_INPLACE(jwt_form) form = { 0 };
    return jwt_form_read(&form, token, ACCESS_TOKEN_LONGEST, "access token", err) &&
           (text_copy(key_id, CLAIM_TEXT_SIZE, form.key_id, strlen(form.key_id)) ||
               refuse(err, "the access token is not signed in a way that is accepted here"));
}

/* ---- claims ------------------------------------------------------------------------------------------------------ */
/* Of tokens that a version before made: nothing. */
static bool read_optional_text(char *target, size_t size, jwt_t *jwt, const char *name)
{
    const char *text = jwt_get_grant(jwt, name);
    return !text || text_copy(target, size, text, strlen(text));
}

static bool read_permissions(struct access_claims *claims, jwt_t *jwt)
{
    return jwt_get_grant(jwt, "perm") ? jwt_claim_text(claims->permissions, sizeof claims->permissions, jwt, "perm")
                                      : join_roles(claims->permissions, claims->roles);
}

static bool read_int(int64_t *out_value, jwt_t *jwt, const char *name, int64_t most)
{
    errno = 0;
    *out_value = jwt_get_grant_int(jwt, name);
    return errno == 0 && *out_value >= 0 && *out_value <= most;
}

static bool read_epoch(int32_t *out_epoch, jwt_t *jwt, const char *name)
{
    errno = 0;
    long epoch = jwt_get_grant_int(jwt, name);
    bool is_absent = errno == ENOENT;
    *out_epoch = is_absent ? 0 : (int32_t)epoch;
    return is_absent || (errno == 0 && epoch >= 0 && epoch <= INT32_MAX);
}

static bool read_claims(struct access_claims *claims, jwt_t *jwt, int64_t *out_not_before)
{
    int64_t tenant;
    *claims = (struct access_claims){ 0 };
    if (!jwt_claim_text(claims->subject, sizeof claims->subject, jwt, "sub") ||
        !jwt_claim_text(claims->token_id, sizeof claims->token_id, jwt, "jti") ||
        !jwt_claim_text(claims->roles, sizeof claims->roles, jwt, "roles") || !read_permissions(claims, jwt) ||
        !read_optional_text(claims->session_id, sizeof claims->session_id, jwt, "sid") ||
        !read_optional_text(claims->grants, sizeof claims->grants, jwt, "grants") ||
        !read_epoch(&claims->subject_epoch, jwt, "sep") || !read_epoch(&claims->tenant_epoch, jwt, "tep") ||
        !read_int(&tenant, jwt, "tid", INT32_MAX) || !jwt_claim_time(&claims->issued_at, jwt, "iat", NULL) ||
        !jwt_claim_time(out_not_before, jwt, "nbf", NULL) || !jwt_claim_time(&claims->expires_at, jwt, "exp", NULL))
        return false;
    claims->tenant_id = (int32_t)tenant;
    return true;
}

static bool check_claims(jwt_t *jwt, int64_t now_us, struct access_claims *out_claims, struct err *err)
{
    struct access_claims claims;
    int64_t not_before;
    int64_t soon_us = now_us + (int64_t)LEEWAY_S * SECOND_US;
    if (!jwt_claim_is(jwt, "iss", ISSUER) || !jwt_claim_is(jwt, "aud", AUDIENCE))
        return refuse(err, "the access token was made by or for someone else");
    if (!read_claims(&claims, jwt, &not_before))
        return refuse(err, "a claim of the access token is missing or malformed");
    if (claims.expires_at <= now_us)
        return refuse(err, "the access token has expired");
    if (not_before > soon_us || claims.issued_at > soon_us)
        return refuse(err, "the access token is not valid yet");
    *out_claims = claims;
    return true;
}

bool access_token_verify(
    const char *token, const struct signing_key *key, int64_t now_us, struct access_claims *out_claims, struct err *err)
{
    AUTO_INPLACE(jwt_form) form = { 0 };
    if (!jwt_form_read(&form, token, ACCESS_TOKEN_LONGEST, "access token", err))
        return false;
    if (!jwt_form_verify(&form, key))
        return refuse(err, "the signature of the access token is wrong");
    return check_claims(form.jwt, now_us, out_claims, err);
}
