#include "account.h"
#include "auth/auth.h"
#include <string.h>

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

bool account_role_is_built_in(const char *role)
{
    return *role_permissions(role) && strcmp(role, "device") != 0;
}

bool account_role_name_is_good(const char *name)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz", others[] = "abcdefghijklmnopqrstuvwxyz0123456789-_";
    size_t length = name ? strnlen(name, LONGEST_ROLE + 1) : 0;
    return length >= 2 && length <= LONGEST_ROLE && strchr(letters, name[0]) && strspn(name, others) == length &&
           !*role_permissions(name);
}

bool account_tenant_code_is_good(const char *code)
{
    size_t length = code ? strnlen(code, 41) : 0;
    return length >= 2 && length <= 40 &&
           strspn(code, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") == length;
}

int account_tenant_rank(const char *level)
{
    static const char *const levels[] = { "nation", "region", "utility" };
    for (int rank = 0; rank < (int)COUNT_OF(levels); rank++)
        if (strcmp(levels[rank], level) == 0)
            return rank;
    return -1;
}
