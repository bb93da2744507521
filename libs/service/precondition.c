#include "service/precondition.h"
#include "base/number.h"
#include <inttypes.h>
#include <string.h>

/* One tag of the list: "12.8f3a..." with its quotes. */
static bool names_version(const char *tag, size_t length, int64_t version)
{
    int64_t number;
    if (length < 3 || tag[0] != '"' || tag[length - 1] != '"')
        return false;
    const char *digits = tag + 1;
    const char *dot = memchr(digits, '.', length - 2);
    size_t count = dot ? (size_t)(dot - digits) : length - 2;
    return number_parse_int(digits, count, &number) && number == version;
}

bool precondition_check(const struct rpc_caller *caller, int64_t version, struct err *err)
{
    const char *at = caller->if_match;
    if (!*at || strcmp(at, "*") == 0)
        return true;
    while (*at) {
        at += strspn(at, ", \t");
        size_t length = strcspn(at, ", \t");
        if (names_version(at, length, version))
            return true;
        at += length;
    }
    return err_set(err, ERR_PRECONDITION,
        "it was changed meanwhile (its version is %" PRId64 " now): get it again and decide anew", version);
}
