#include "http/http_accept.h"
#include <string.h>
#include <strings.h>

static const char *skip_space(const char *at)
{
    return at + strspn(at, " \t");
}

/* How exactly a range names the media type: 3 itself, 2 its type, 1 anything, 0 not at all. */
static int exactness(const char *range, size_t length, const char *media_type)
{
    size_t type_length = strcspn(media_type, "/") + 1;
    if (length == 3 && memcmp(range, "*/*", 3) == 0)
        return 1;
    if (length == type_length + 1 && range[length - 1] == '*' && strncasecmp(range, media_type, type_length) == 0)
        return 2;
    return length == strlen(media_type) && strncasecmp(range, media_type, length) == 0 ? 3 : 0;
}

/* q of the parameters that begin here: only whether it is zero matters. */
static bool is_excluded(const char *parameters, size_t length)
{
    const char *end = parameters + length;
    for (const char *at = parameters; at < end && *at == ';';) {
        at = skip_space(at + 1);
        if ((*at == 'q' || *at == 'Q') && at[1] == '=') {
            size_t digits = strspn(at + 2, "0.");
            return at[2] == '0' && (at[2 + digits] < '1' || at[2 + digits] > '9');
        }
        at += strcspn(at, ";,");
    }
    return false;
}

bool http_accepts(const char *accept, const char *media_type)
{
    int best = 0;
    bool is_admitted = false;
    if (!accept || !*skip_space(accept))
        return true;
    for (const char *at = accept; *at;) {
        at = skip_space(at);
        size_t length = strcspn(at, ";, \t"), whole = strcspn(at, ",");
        int exact = exactness(at, length, media_type);
        if (exact > best) {
            const char *parameters = skip_space(at + length);
            best = exact;
            is_admitted = !is_excluded(parameters, whole - (size_t)(parameters - at));
        }
        at += whole + (at[whole] == ',');
    }
    return is_admitted;
}

bool http_charset_is_utf8(const char *content_type)
{
    const char *charset = content_type ? strcasestr(content_type, "charset=") : NULL;
    if (!charset)
        return true;
    charset += strlen("charset=");
    charset += *charset == '"';
    size_t length = strcspn(charset, "\"; \t");
    return (length == 5 && strncasecmp(charset, "utf-8", 5) == 0) ||
           (length == 8 && strncasecmp(charset, "us-ascii", 8) == 0);
}
