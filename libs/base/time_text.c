#include "base/time_text.h"
#include <stdio.h>

enum { SECONDS_A_DAY = 86400 };

/* Days since 1970-01-01 of a date in the proleptic Gregorian calendar (Howard Hinnant, "chrono-compatible low-level
 * date algorithms"). */
static int64_t days_from_civil(int64_t year, int month, int day)
{
    year -= month <= 2;
    int64_t era = (year >= 0 ? year : year - 399) / 400;
    int64_t year_of_era = year - era * 400;
    int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}

static void civil_from_days(int64_t days, int *out_year, int *out_month, int *out_day)
{
    days += 719468;
    int64_t era = (days >= 0 ? days : days - 146096) / 146097;
    int64_t day_of_era = days - era * 146097;
    int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t shifted_month = (5 * day_of_year + 2) / 153;
    *out_day = (int)(day_of_year - (153 * shifted_month + 2) / 5 + 1);
    *out_month = (int)(shifted_month < 10 ? shifted_month + 3 : shifted_month - 9);
    *out_year = (int)(year_of_era + era * 400 + (*out_month <= 2));
}

static int days_in_month(int year, int month)
{
    static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    bool is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return month == 2 && is_leap ? 29 : days[month - 1];
}

static bool digits_at(const char *text, int count, int least, int most, int *out_value)
{
    int value = 0;
    for (int i = 0; i < count; i++) {
        if (text[i] < '0' || text[i] > '9')
            return false;
        value = value * 10 + (text[i] - '0');
    }
    *out_value = value;
    return value >= least && value <= most;
}

/* ".25" -> 250000 microseconds; returns the bytes taken, 0 if a point stands without digits. */
static size_t parse_fraction(const char *text, size_t length, int64_t *out_us)
{
    size_t i = 1;
    int64_t us = 0, unit = 100000;
    for (; i < length && text[i] >= '0' && text[i] <= '9'; i++) {
        us += (text[i] - '0') * unit;
        unit /= 10;
    }
    *out_us = us;
    return i > 1 ? i : 0;
}

static bool parse_offset(const char *text, size_t length, int64_t *out_seconds)
{
    int hours, minutes;
    if (length == 1 && (text[0] == 'Z' || text[0] == 'z')) {
        *out_seconds = 0;
        return true;
    }
    if (length != 6 || (text[0] != '+' && text[0] != '-') || text[3] != ':' || !digits_at(text + 1, 2, 0, 23, &hours) ||
        !digits_at(text + 4, 2, 0, 59, &minutes))
        return false;
    *out_seconds = (hours * 60 + minutes) * (text[0] == '-' ? -60 : 60);
    return true;
}

bool time_text_parse(const char *text, size_t length, int64_t *out_us)
{
    int year, month, day, hour, minute, second;
    int64_t fraction_us = 0, offset_s;
    if (length < 20 || length > 64 || !digits_at(text, 4, 1, 9999, &year) || text[4] != '-' ||
        !digits_at(text + 5, 2, 1, 12, &month) || text[7] != '-' ||
        !digits_at(text + 8, 2, 1, days_in_month(year, month), &day) ||
        (text[10] != 'T' && text[10] != 't' && text[10] != ' ') || !digits_at(text + 11, 2, 0, 23, &hour) ||
        text[13] != ':' || !digits_at(text + 14, 2, 0, 59, &minute) || text[16] != ':' ||
        !digits_at(text + 17, 2, 0, 60, &second))
        return false;
    size_t at = 19;
    if (text[at] == '.') {
        size_t taken = parse_fraction(text + at, length - at, &fraction_us);
        if (taken == 0)
            return false;
        at += taken;
    }
    if (!parse_offset(text + at, length - at, &offset_s))
        return false;
    int64_t seconds = days_from_civil(year, month, day) * SECONDS_A_DAY + hour * 3600 + minute * 60 + second - offset_s;
    *out_us = seconds * 1000000 + fraction_us;
    return true;
}

size_t time_text_format(char text[TIME_TEXT_SIZE], int64_t us)
{
    int64_t second = us / 1000000, fraction = us % 1000000;
    if (fraction < 0) {
        fraction += 1000000;
        second--;
    }
    int64_t days = second / SECONDS_A_DAY, rest = second % SECONDS_A_DAY;
    if (rest < 0) {
        rest += SECONDS_A_DAY;
        days--;
    }
    int year, month, day;
    civil_from_days(days, &year, &month, &day);
    if (year < 0 || year > 9999)
        return (size_t)snprintf(text, TIME_TEXT_SIZE, "%s", year < 0 ? "0000-01-01T00:00:00Z" : "9999-12-31T23:59:59Z");
    int length = snprintf(text, TIME_TEXT_SIZE, "%04d-%02d-%02dT%02d:%02d:%02d", year, month, day, (int)(rest / 3600),
        (int)(rest / 60 % 60), (int)(rest % 60));
    if (fraction > 0) {
        length += snprintf(text + length, TIME_TEXT_SIZE - (size_t)length, ".%06d", (int)fraction);
        while (text[length - 1] == '0')
            length--;
    }
    text[length++] = 'Z';
    text[length] = '\0';
    return (size_t)length;
}
