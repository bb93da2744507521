#include "auth/grants.h"
#include "base/text.h"
#include <stdio.h>
#include <string.h>

/* ---- words: items of a text, separated by one space ----------------------------------------------------------------
 */
static bool next_word(const char **at, const char **out_word, size_t *out_length)
{
    *at += strspn(*at, " ");
    *out_word = *at;
    *out_length = strcspn(*at, " ");
    *at += *out_length;
    return *out_length > 0;
}

static bool has_word(const char *words, const char *word, size_t length)
{
    const char *one;
    size_t one_length;
    while (next_word(&words, &one, &one_length))
        if (one_length == length && memcmp(one, word, length) == 0)
            return true;
    return false;
}

static bool append(char *target, size_t size, const char *text, size_t length, const char *separator)
{
    size_t used = strlen(target), gap = used > 0 ? strlen(separator) : 0;
    if (used + gap + length + 1 > size)
        return false;
    memcpy(target + used, separator, gap);
    memcpy(target + used + gap, text, length);
    target[used + gap + length] = '\0';
    return true;
}

static bool add_words(char *target, size_t size, const char *words)
{
    const char *word;
    size_t length;
    while (next_word(&words, &word, &length))
        if (!has_word(target, word, length) && !append(target, size, word, length, " "))
            return false;
    return true;
}

static size_t count_words(const char *words)
{
    const char *word;
    size_t length, count = 0;
    while (next_word(&words, &word, &length))
        count++;
    return count;
}

/* ---- the text of grants
 * ---------------------------------------------------------------------------------------------- */
bool grants_next(const char **at, char scope[GRANT_SCOPE_SIZE], char permissions[CLAIM_PERMISSIONS_SIZE])
{
    size_t length = strcspn(*at, ";"), scope_length = strcspn(*at, "=;");
    if (length == 0)
        return false;
    if (!text_copy(scope, GRANT_SCOPE_SIZE, *at, scope_length) || scope_length == length ||
        !text_copy(permissions, CLAIM_PERMISSIONS_SIZE, *at + scope_length + 1, length - scope_length - 1))
        permissions[0] = '\0'; /* not ours: grants nothing */
    *at += length + ((*at)[length] == ';');
    return true;
}

static bool put_grant(char scoped[CLAIM_GRANTS_SIZE], const char *scope, const char *permissions)
{
    return append(scoped, CLAIM_GRANTS_SIZE, scope, strlen(scope), ";") &&
           append(scoped, CLAIM_GRANTS_SIZE, permissions, strlen(permissions), "=");
}

/* What is granted here and not in the whole tenant already. */
static bool keep_the_rest(char rest[CLAIM_PERMISSIONS_SIZE], const char *permissions, const char *everywhere)
{
    const char *word;
    size_t length;
    rest[0] = '\0';
    while (next_word(&permissions, &word, &length)) {
        char one[CLAIM_TEXT_SIZE];
        if (!text_copy(one, sizeof one, word, length))
            return false;
        if (!permission_granted(everywhere, one) && !permission_granted(rest, one) &&
            !append(rest, CLAIM_PERMISSIONS_SIZE, one, length, " "))
            return false;
    }
    return true;
}

struct limits {
    size_t grant_count;
    char places[GRANT_SCOPE_SIZE * 2];
};

static bool within_limits(const char *scoped)
{
    struct limits limits = { 0 };
    char scope[GRANT_SCOPE_SIZE], permissions[CLAIM_PERMISSIONS_SIZE];
    while (grants_next(&scoped, scope, permissions))
        if (++limits.grant_count > MOST_SCOPED_GRANTS || !add_words(limits.places, sizeof limits.places, scope))
            return false;
    return count_words(limits.places) <= MOST_SCOPE_ITEMS;
}

static bool is_too_much(struct err *err)
{
    return err_set(err, ERR_LIMIT,
        "these roles are more than an access token can hold: at most %d different scopes with %d different regions and "
        "municipalities together, and %d bytes of permissions",
        MOST_SCOPED_GRANTS, MOST_SCOPE_ITEMS, CLAIM_PERMISSIONS_SIZE - 1);
}

/* Rewrites the list with one grant added; of the same scope there is one. */
static bool add_scoped(struct grants *grants, const char *scope, const char *rest)
{
    char made[CLAIM_GRANTS_SIZE] = "", one_scope[GRANT_SCOPE_SIZE], permissions[CLAIM_PERMISSIONS_SIZE];
    bool is_added = false;
    const char *at = grants->scoped;
    while (grants_next(&at, one_scope, permissions)) {
        if (strcmp(one_scope, scope) == 0) {
            is_added = true;
            if (!add_words(permissions, sizeof permissions, rest))
                return false;
        }
        if (!put_grant(made, one_scope, permissions))
            return false;
    }
    if (!is_added && !put_grant(made, scope, rest))
        return false;
    memcpy(grants->scoped, made, strlen(made) + 1);
    return within_limits(made);
}

bool grants_add(struct grants *grants, const char *scope, const char *permissions, struct err *err)
{
    char rest[CLAIM_PERMISSIONS_SIZE];
    if (!*scope)
        return permission_join(grants->permissions, permissions, err) || is_too_much(err);
    if (strlen(scope) >= GRANT_SCOPE_SIZE || !keep_the_rest(rest, permissions, grants->permissions))
        return is_too_much(err);
    return !*rest || add_scoped(grants, scope, rest) || is_too_much(err);
}

/* ---- decisions
 * ------------------------------------------------------------------------------------------------------- */
bool grants_decide(const char *permissions, const char *scoped, const char *needed,
    char out_permissions[CLAIM_PERMISSIONS_SIZE], char out_scope[GRANT_SCOPE_SIZE])
{
    char scope[GRANT_SCOPE_SIZE], here[CLAIM_PERMISSIONS_SIZE];
    bool is_granted = permission_granted(permissions, needed), fits = true;
    out_scope[0] = '\0';
    if (!text_copy(out_permissions, CLAIM_PERMISSIONS_SIZE, permissions, strlen(permissions)))
        return false;
    if (is_granted)
        return true;
    while (grants_next(&scoped, scope, here))
        if (*scope && permission_granted(here, needed)) {
            is_granted = true;
            fits = fits && add_words(out_scope, GRANT_SCOPE_SIZE, scope);
        }
    /* A scope that was cut would be another one. */
    if (!is_granted || !fits)
        return false;
    /* What holds in the whole tenant holds in every part of it. */
    return append(out_permissions, CLAIM_PERMISSIONS_SIZE, needed, strlen(needed), " ") ||
           text_copy(out_permissions, CLAIM_PERMISSIONS_SIZE, needed, strlen(needed));
}

bool grants_covered_by(const struct grants *grants, const char *have)
{
    char scope[GRANT_SCOPE_SIZE], permissions[CLAIM_PERMISSIONS_SIZE];
    const char *at = grants->scoped;
    if (!permission_covers(have, grants->permissions))
        return false;
    while (grants_next(&at, scope, permissions))
        if (!permission_covers(have, permissions))
            return false;
    return true;
}

/* The permissions of the same scope text, in the whole tenant or in it. */
static void limit_at(const struct grants *limit, const char *scope, char permissions[CLAIM_PERMISSIONS_SIZE])
{
    char one_scope[GRANT_SCOPE_SIZE];
    const char *at = limit->scoped;
    while (grants_next(&at, one_scope, permissions))
        if (strcmp(one_scope, scope) == 0)
            return;
    permissions[0] = '\0';
}

/* Both ways round: "sensors:*" and "sensors:read" have sensors:read in common. */
static bool add_common(struct grants *out, const char *scope, const char *mine, const char *theirs, struct err *err)
{
    const char *const sides[2][2] = { { mine, theirs }, { theirs, mine } };
    for (size_t side = 0; side < COUNT_OF(sides); side++) {
        const char *at = sides[side][0], *word;
        size_t length;
        while (next_word(&at, &word, &length)) {
            char one[CLAIM_TEXT_SIZE];
            if (text_copy(one, sizeof one, word, length) && permission_granted(sides[side][1], one) &&
                !grants_add(out, scope, one, err))
                return false;
        }
    }
    return true;
}

bool grants_intersect(struct grants *out, const struct grants *grants, const struct grants *limit, struct err *err)
{
    char scope[GRANT_SCOPE_SIZE], mine[CLAIM_PERMISSIONS_SIZE], theirs[CLAIM_PERMISSIONS_SIZE];
    *out = (struct grants){ 0 };
    if (!add_common(out, "", grants->permissions, limit->permissions, err))
        return false;
    for (const char *at = limit->scoped; grants_next(&at, scope, theirs);)
        if (!add_common(out, scope, grants->permissions, theirs, err))
            return false;
    for (const char *at = grants->scoped; grants_next(&at, scope, mine);) {
        limit_at(limit, scope, theirs);
        if (!add_common(out, scope, mine, limit->permissions, err) || !add_common(out, scope, mine, theirs, err))
            return false;
    }
    return true;
}
