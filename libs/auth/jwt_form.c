#include "auth/jwt_form.h"
#include "base/text.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const int64_t second_us = 1000000;
static const int64_t last_second = 253402300799; /* of the year 9999: products with second_us stay in range */

static void text_auto_free(char **text)
{
    free(*text);
}
#define AUTO_TEXT __attribute__((cleanup(text_auto_free))) char *

/* ---- form -------------------------------------------------------------------------------------------------------- */
static size_t base64url_span(const char *text)
{
    return strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_");
}

/* Length first, before libjwt sees anything: it decodes on the stack, and a token of 9 MB ends the process. */
static bool split(struct jwt_form *form, const char *token, size_t longest, size_t *out_signature_length)
{
    if (strnlen(token, longest + 1) > longest)
        return false;
    size_t header = base64url_span(token);
    if (header == 0 || token[header] != '.')
        return false;
    size_t payload = base64url_span(token + header + 1);
    if (payload == 0 || token[header + 1 + payload] != '.')
        return false;
    form->text = token;
    form->signed_length = header + 1 + payload;
    const char *signature = token + form->signed_length + 1;
    *out_signature_length = base64url_span(signature);
    return *out_signature_length > 0 && signature[*out_signature_length] == '\0';
}

static bool check_header(struct jwt_form *form)
{
    const char *alg = jwt_get_header(form->jwt, "alg");
    const char *kid = jwt_get_header(form->jwt, "kid");
    AUTO_TEXT critical = jwt_get_headers_json(form->jwt, "crit");
    return alg && strcmp(alg, "ES256") == 0 && !critical && kid && *kid &&
           text_copy(form->key_id, sizeof form->key_id, kid, strlen(kid));
}

/* libjwt without a key only parses; what it says is believed after the signature was checked, except the key id, which
 * chooses the key. */
bool jwt_form_read(struct jwt_form *out_form, const char *token, size_t longest, const char *what, struct err *err)
{
    size_t length = 0;
    *out_form = (struct jwt_form){ 0 };
    if (!split(out_form, token, longest, &length) || jwt_decode(&out_form->jwt, token, NULL, 0) != 0) {
        out_form->jwt = NULL;
        return err_set(err, ERR_UNAUTHENTICATED, "this is no %s", what);
    }
    if (check_header(out_form) && base64url_decoded_size(length) == (int)sizeof out_form->signature &&
        base64url_read(out_form->signature, token + out_form->signed_length + 1, length))
        return true;
    jwt_form_done(out_form);
    return err_set(err, ERR_UNAUTHENTICATED, "the %s is not signed in a way that is accepted here", what);
}

void jwt_form_done(struct jwt_form *form)
{
    jwt_free(form->jwt);
    form->jwt = NULL;
}

bool jwt_form_verify(const struct jwt_form *form, const struct signing_key *key)
{
    return signing_key_verify(key, form->text, form->signed_length, form->signature);
}

/* ---- claims ------------------------------------------------------------------------------------------------------ */
bool jwt_claim_text(char *target, size_t size, jwt_t *jwt, const char *name)
{
    const char *text = jwt_get_grant(jwt, name);
    return text && text_copy(target, size, text, strlen(text));
}

bool jwt_claim_is(jwt_t *jwt, const char *name, const char *expected)
{
    return text_equal(jwt_get_grant(jwt, name), expected);
}

bool jwt_claim_time(int64_t *out_us, jwt_t *jwt, const char *name, bool *out_is_absent)
{
    errno = 0;
    int64_t seconds = jwt_get_grant_int(jwt, name);
    bool is_absent = errno == ENOENT;
    if (out_is_absent)
        *out_is_absent = is_absent;
    if (is_absent) {
        *out_us = 0;
        return out_is_absent != NULL;
    }
    if (errno != 0 || seconds < 0 || seconds > last_second)
        return false;
    *out_us = seconds * second_us;
    return true;
}
