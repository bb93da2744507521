#include "account.h"
#include "auth/auth.h"
#include "base/text.h"
#include <string.h>

enum { LONGEST_PERMISSION = 64 };

/* Only that it can be one: whether it is, a message sent there would tell. */
const char *account_email_fault(const char *email)
{
    size_t length = email ? strnlen(email, LONGEST_EMAIL + 1) : 0;
    if (length < 3 || length > LONGEST_EMAIL)
        return "must have 3 to 254 characters";
    const char *at = strchr(email, '@');
    if (!at || at == email || !at[1] || strchr(at + 1, '@'))
        return "must be an e-mail address";
    for (const char *c = email; *c; c++)
        if ((unsigned char)*c <= ' ' || *c == 0x7f)
            return "must not have spaces or control characters";
    return NULL;
}

const char *account_password_fault(const char *password)
{
    size_t length = password ? strnlen(password, LONGEST_PASSWORD + 1) : 0;
    if (length < LEAST_PASSWORD)
        return "must have at least 12 characters";
    return length > LONGEST_PASSWORD ? "must have at most 256 bytes" : NULL;
}

bool account_role_exists(const char *role)
{
    return *role_permissions(role) && strcmp(role, "device") != 0;
}

bool account_may_grant(const char *permissions, const char *role)
{
    const char *at = role_permissions(role);
    if (!*at)
        return false;
    while (*at) {
        char one[LONGEST_PERMISSION];
        size_t length = strcspn(at, " ");
        if (!text_copy(one, sizeof one, at, length) || !permission_granted(permissions, one))
            return false;
        at += length;
        at += *at == ' ';
    }
    return true;
}

bool account_tenant_code_is_good(const char *code)
{
    size_t length = code ? strnlen(code, 41) : 0;
    return length >= 2 && length <= 40 &&
           strspn(code, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") == length;
}
