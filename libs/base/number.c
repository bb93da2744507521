#include "base/number.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Powers of ten that a double holds exactly. */
static const double exact_powers[] = { 1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14,
    1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22 };
enum { LARGEST_EXACT_POWER = 22, MOST_EXACT_DIGITS = 15 };

struct decimal {
    uint64_t digits;
    int digit_count; /* significant ones */
    int exponent;
    bool is_negative;
};

static size_t scan_digits(const char *text, size_t length, struct decimal *decimal, int exponent_step)
{
    size_t i = 0;
    for (; i < length && is_digit(text[i]); i++) {
        if (decimal->digit_count > 0 || text[i] != '0')
            decimal->digit_count++;
        if (decimal->digit_count <= MOST_EXACT_DIGITS)
            decimal->digits = decimal->digits * 10 + (uint64_t)(text[i] - '0');
        decimal->exponent += exponent_step;
    }
    return i;
}

static size_t scan_exponent(const char *text, size_t length, struct decimal *decimal)
{
    size_t i = 1;
    bool is_negative = false;
    int exponent = 0;
    if (i < length && (text[i] == '+' || text[i] == '-'))
        is_negative = text[i++] == '-';
    size_t first = i;
    for (; i < length && is_digit(text[i]); i++)
        if (exponent < 10000)
            exponent = exponent * 10 + (text[i] - '0');
    if (i == first)
        return 0;
    decimal->exponent += is_negative ? -exponent : exponent;
    return i;
}

/* Finds where the number ends and what it says; 0 if the grammar is broken. */
static size_t scan(const char *text, size_t length, struct decimal *decimal)
{
    size_t i = 0;
    if (i < length && text[i] == '-') {
        decimal->is_negative = true;
        i++;
    }
    size_t whole = scan_digits(text + i, length - i, decimal, 0);
    if (whole == 0 || (whole > 1 && text[i] == '0'))
        return 0;
    i += whole;
    if (i < length && text[i] == '.') {
        size_t fraction = scan_digits(text + i + 1, length - i - 1, decimal, -1);
        if (fraction == 0)
            return 0;
        i += 1 + fraction;
    }
    if (i < length && (text[i] == 'e' || text[i] == 'E')) {
        size_t taken = scan_exponent(text + i, length - i, decimal);
        if (taken == 0)
            return 0;
        i += taken;
    }
    return i;
}

size_t number_parse(const char *text, size_t length, double *out_value)
{
    struct decimal decimal = { 0 };
    size_t taken = scan(text, length, &decimal);
    if (taken == 0 || taken > NUMBER_LONGEST_TEXT)
        return 0;
    /* Both operands exact, so one rounding: the result is the nearest double (Clinger 1990). strtod does the rest. */
    if (decimal.digit_count <= MOST_EXACT_DIGITS && abs(decimal.exponent) <= LARGEST_EXACT_POWER) {
        double value = (double)decimal.digits;
        value = decimal.exponent < 0 ? value / exact_powers[-decimal.exponent] : value * exact_powers[decimal.exponent];
        *out_value = decimal.is_negative ? -value : value;
        return taken;
    }
    char copy[NUMBER_LONGEST_TEXT + 1];
    memcpy(copy, text, taken);
    copy[taken] = '\0';
    double value = strtod(copy, NULL);
    if (!isfinite(value))
        return 0;
    *out_value = value;
    return taken;
}

bool number_parse_int(const char *text, size_t length, int64_t *out_value)
{
    bool is_negative = length > 0 && text[0] == '-';
    int64_t value = 0;
    if (length == (size_t)is_negative)
        return false;
    for (size_t i = is_negative; i < length; i++) {
        int digit = text[i] - '0';
        if (!is_digit(text[i]) || __builtin_mul_overflow(value, 10, &value) ||
            (is_negative ? __builtin_sub_overflow(value, digit, &value) : __builtin_add_overflow(value, digit, &value)))
            return false;
    }
    *out_value = value;
    return true;
}

size_t number_format(char text[NUMBER_TEXT_SIZE], double value)
{
    if (!isfinite(value))
        return (size_t)snprintf(text, NUMBER_TEXT_SIZE, "null");
    /* Whole numbers are common (counts, states) and need no search. */
    if (fabs(value) < 1e9 && value == (double)(int32_t)value && !(value == 0 && signbit(value)))
        return (size_t)snprintf(text, NUMBER_TEXT_SIZE, "%d", (int)value);
    for (int digits = 15; digits < 17; digits++) {
        int length = snprintf(text, NUMBER_TEXT_SIZE, "%.*g", digits, value);
        if (strtod(text, NULL) == value)
            return (size_t)length;
    }
    return (size_t)snprintf(text, NUMBER_TEXT_SIZE, "%.17g", value);
}

size_t number_format_int(char text[NUMBER_TEXT_SIZE], int64_t value)
{
    char digits[NUMBER_TEXT_SIZE];
    size_t count = 0, length = 0;
    uint64_t left = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    do
        digits[count++] = (char)('0' + left % 10);
    while (left /= 10);
    if (value < 0)
        text[length++] = '-';
    while (count > 0)
        text[length++] = digits[--count];
    text[length] = '\0';
    return length;
}
