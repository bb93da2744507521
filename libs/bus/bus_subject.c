#include "bus/bus_subject.h"
#include <string.h>

static bool is_graphic(char c)
{
    return (unsigned char)c > ' ' && (unsigned char)c != 0x7f;
}

static bool is_wildcard(const char *token, size_t length, bool is_last)
{
    return length == 1 && (token[0] == '*' || (token[0] == '>' && is_last));
}

static bool token_is_valid(const char *token, size_t length, bool is_last, bool may_be_wildcard)
{
    if (length == 0)
        return false;
    if (may_be_wildcard && is_wildcard(token, length, is_last))
        return true;
    for (size_t i = 0; i < length; i++)
        if (!is_graphic(token[i]) || token[i] == '*' || token[i] == '>')
            return false;
    return true;
}

static bool tokens_are_valid(const char *subject, bool may_have_wildcards)
{
    if (!subject)
        return false;
    for (;;) {
        size_t length = strcspn(subject, ".");
        bool is_last = subject[length] == '\0';
        if (!token_is_valid(subject, length, is_last, may_have_wildcards))
            return false;
        if (is_last)
            return true;
        subject += length + 1;
    }
}

bool bus_subject_is_valid(const char *subject)
{
    return tokens_are_valid(subject, false);
}

bool bus_pattern_is_valid(const char *pattern)
{
    return tokens_are_valid(pattern, true);
}

bool bus_header_is_valid(const char *name, const char *value)
{
    if (!name || !value || name[0] == '\0')
        return false;
    for (; *name != '\0'; name++)
        if (!is_graphic(*name) || *name == ':')
            return false;
    return strpbrk(value, "\r\n") == NULL;
}

bool bus_name_is_valid(const char *name)
{
    return bus_subject_is_valid(name) && strpbrk(name, "./\\") == NULL;
}
