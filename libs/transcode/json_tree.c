/* What cJSON 1.7.15 lets pass, and we do not: nesting of 1,000 (it recurses), bad UTF-8 and control characters, any
 * byte below a space as white space, \u0000 and \uZZZZ (both cut the text off there), 1e999 as infinity, 01 and 1. as
 * numbers, and whatever follows the value. */
#include "transcode/json_tree.h"
#include "base/number.h"
#include "base/text.h"
#include <string.h>

struct scanner {
    const char *json;
    size_t size;
    size_t at;
    size_t values;
    int depth;
};

static bool refuse(const struct scanner *scanner, struct err *err, const char *what)
{
    return err_set(err, ERR_INPUT, "not JSON at byte %zu: %s", scanner->at, what);
}

static bool is_hex(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* At a backslash. Which letters may follow it is cJSON's business. */
static bool scan_escape(struct scanner *scanner, struct err *err)
{
    const char *escape = scanner->json + scanner->at;
    size_t left = scanner->size - scanner->at;
    if (left < 2)
        return refuse(scanner, err, "the text has no end");
    if (escape[1] != 'u') {
        scanner->at += 2;
        return true;
    }
    if (left < 6 || !is_hex(escape[2]) || !is_hex(escape[3]) || !is_hex(escape[4]) || !is_hex(escape[5]))
        return refuse(scanner, err, "\\u wants four hex digits");
    if (memcmp(escape + 2, "0000", 4) == 0)
        return refuse(scanner, err, "\\u0000 is not allowed in a text");
    scanner->at += 6;
    return true;
}

static bool scan_text(struct scanner *scanner, struct err *err)
{
    scanner->at++;
    while (scanner->at < scanner->size) {
        unsigned char c = (unsigned char)scanner->json[scanner->at];
        if (c == '"') {
            scanner->at++;
            return true;
        }
        if (c < 0x20)
            return refuse(scanner, err, "a control character in a text must be escaped");
        if (c == '\\') {
            if (!scan_escape(scanner, err))
                return false;
            continue;
        }
        size_t step = text_utf8_length(scanner->json + scanner->at, scanner->size - scanner->at);
        if (step == 0)
            return refuse(scanner, err, "this is not UTF-8");
        scanner->at += step;
    }
    return refuse(scanner, err, "the text has no end");
}

static bool scan_number(struct scanner *scanner, struct err *err)
{
    double number;
    size_t taken = number_parse(scanner->json + scanner->at, scanner->size - scanner->at, &number);
    if (taken == 0)
        return refuse(scanner, err, "this is no number, or one too large");
    scanner->at += taken;
    return true;
}

static bool scan_token(struct scanner *scanner, struct err *err)
{
    char c = scanner->json[scanner->at];
    if (c == '"')
        return scan_text(scanner, err);
    if (c == '-' || (c >= '0' && c <= '9'))
        return scan_number(scanner, err);
    if (c == '{' || c == '[') {
        scanner->values++;
        if (++scanner->depth > JSON_DEEPEST)
            return refuse(scanner, err, "nested too deeply");
    } else if (c == '}' || c == ']') {
        scanner->depth--;
    } else if (c == ',') {
        scanner->values++;
    } else if (!memchr(" \t\r\n:", c, 5) && !(c >= 'a' && c <= 'z')) {
        return refuse(scanner, err, "this has no place here");
    }
    if (scanner->values > JSON_MOST_VALUES)
        return refuse(scanner, err, "too many values");
    scanner->at++;
    return true;
}

bool json_tree_parse(struct cJSON **out_tree, const char *json, size_t size, struct err *err)
{
    struct scanner scanner = { .json = json, .size = size };
    while (scanner.at < size)
        if (!scan_token(&scanner, err))
            return false;
    const char *end = json;
    /* Its own check for an end wants a NUL inside the length, so the rest is looked at here. */
    AUTO(cJSON) tree = size > 0 ? cJSON_ParseWithLengthOpts(json, size, &end, false) : NULL;
    scanner.at = (size_t)(end - json);
    if (!tree)
        return refuse(&scanner, err, size == 0 ? "there is nothing" : "this has no place here");
    for (; scanner.at < size; scanner.at++)
        if (!memchr(" \t\r\n", json[scanner.at], 4))
            return refuse(&scanner, err, "something follows the end");
    *out_tree = TAKE(tree);
    return true;
}
