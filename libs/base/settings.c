#include "base/settings.h"
#include "base/buffer.h"
#include "base/json_writer.h"
#include "base/log.h"
#include "base/number.h"
#include "base/text.h"
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LONGEST_VALUE = 8192, MOST_SETTINGS = 128 };

static bool read_file(const char *path, char *target, size_t size, struct err *err)
{
    FILE *file = fopen(path, "re");
    if (!file)
        return err_set(err, ERR_CONFIG, "cannot open %s", path);
    size_t length = fread(target, 1, size - 1, file);
    bool is_whole = feof(file) && !ferror(file);
    fclose(file);
    if (!is_whole)
        return err_set(err, ERR_CONFIG, "%s is longer than %zu bytes or cannot be read", path, size - 1);
    while (length > 0 && (target[length - 1] == '\n' || target[length - 1] == '\r'))
        length--;
    target[length] = '\0';
    return true;
}

/* Where a secret comes from: NAME_FILE, $CREDENTIALS_DIRECTORY/name, NAME. */
static bool find_secret(const struct setting *setting, char *value, bool *out_found, struct err *err)
{
    char name[128], path[512];
    snprintf(name, sizeof name, "%s_FILE", setting->name);
    const char *file = getenv(name);
    const char *directory = getenv("CREDENTIALS_DIRECTORY");
    *out_found = true;
    if (file)
        return read_file(file, value, LONGEST_VALUE, err) || err_wrap(err, "%s", name);
    if (directory) {
        int length = snprintf(path, sizeof path, "%s/%s", directory, setting->name);
        if (length > 0 && (size_t)length < sizeof path) {
            for (char *c = path + strlen(directory) + 1; *c; c++)
                *c = (char)tolower((unsigned char)*c);
            struct err ignored = { 0 };
            if (read_file(path, value, LONGEST_VALUE, &ignored))
                return true;
        }
    }
    *out_found = false;
    return true;
}

static bool parse_bytes(const char *text, int64_t *out_value)
{
    size_t length = strlen(text);
    int shift = 0;
    if (length > 0)
        switch (tolower((unsigned char)text[length - 1])) {
        case 'k':
            shift = 10;
            break;
        case 'm':
            shift = 20;
            break;
        case 'g':
            shift = 30;
            break;
        default:
            break;
        }
    int64_t value;
    if (!number_parse_int(text, length - (shift > 0), &value) || value < 0 || value > INT64_MAX >> shift)
        return false;
    *out_value = value << shift;
    return true;
}

static bool store_number(const struct setting *setting, const char *text, void *field, struct err *err)
{
    int64_t value;
    bool ok = setting->type == SETTING_BYTES ? parse_bytes(text, &value) : number_parse_int(text, strlen(text), &value);
    if (!ok)
        return err_set(err, ERR_CONFIG, "%s: \"%s\" is not a number", setting->name, text);
    if (value < setting->min || (setting->max > 0 && value > setting->max))
        return err_set(err, ERR_CONFIG, "%s: %lld is not between %lld and %lld", setting->name, (long long)value,
            (long long)setting->min, (long long)setting->max);
    memcpy(field, &value, sizeof value);
    return true;
}

static bool store_value(const struct setting *setting, const char *text, void *field, struct err *err)
{
    switch (setting->type) {
    case SETTING_TEXT:
    case SETTING_SECRET:
        return text_copy(field, setting->size, text, strlen(text)) ||
               err_set(err, ERR_CONFIG, "%s: longer than %zu bytes", setting->name, setting->size - 1);
    case SETTING_COUNT:
    case SETTING_MS:
    case SETTING_BYTES:
        return store_number(setting, text, field, err);
    case SETTING_FLAG: {
        bool value = strcmp(text, "true") == 0;
        if (!value && strcmp(text, "false") != 0)
            return err_set(err, ERR_CONFIG, "%s: say true or false, not \"%s\"", setting->name, text);
        memcpy(field, &value, sizeof value);
        return true;
    }
    case SETTING_END:
        break;
    }
    return err_set(err, ERR_BUG, "%s: unknown type of setting", setting->name);
}

static bool load_one(const struct setting *setting, void *config, struct err *err)
{
    char from_file[LONGEST_VALUE] = "";
    bool found = false;
    const char *text = getenv(setting->name);
    if (setting->type == SETTING_SECRET) {
        if (!find_secret(setting, from_file, &found, err))
            return false;
        if (found)
            text = from_file;
    }
    if (!text)
        text = setting->preset;
    if (!text || (setting->required && *text == '\0')) {
        if (setting->required)
            return err_set(err, ERR_CONFIG, "%s%s is not set: %s", setting->name,
                setting->type == SETTING_SECRET ? " (or its _FILE)" : "", setting->help);
        text = setting->type == SETTING_FLAG ? "false" : setting->type >= SETTING_COUNT ? "0" : "";
    }
    return store_value(setting, text, (char *)config + setting->offset, err);
}

bool settings_load(void *config, const struct setting *const tables[], struct buffer *mistakes, struct err *err)
{
    int count = 0;
    for (size_t t = 0; tables[t]; t++)
        for (const struct setting *setting = tables[t]; setting->type != SETTING_END; setting++) {
            struct err mistake = { 0 };
            if (!load_one(setting, config, &mistake)) {
                buffer_printf(mistakes, "%s\n", mistake.text);
                count++;
            }
        }
    return count == 0 || err_set(err, ERR_CONFIG, "%d setting%s wrong", count, count == 1 ? " is" : "s are");
}

void settings_describe(struct buffer *out, const struct setting *const tables[])
{
    struct json_writer writer;
    json_writer_init(&writer, out);
    json_begin_array(&writer);
    for (size_t t = 0; tables[t]; t++)
        for (const struct setting *setting = tables[t]; setting->type != SETTING_END; setting++) {
            json_begin_object(&writer);
            json_put_text(&writer, "name", setting->name);
            if (setting->preset)
                json_put_text(&writer, "default", setting->preset);
            json_key(&writer, "required");
            json_bool(&writer, setting->required);
            json_key(&writer, "secret");
            json_bool(&writer, setting->type == SETTING_SECRET);
            json_put_text(&writer, "help", setting->help);
            json_end_object(&writer);
        }
    json_end_array(&writer);
}

void settings_help(struct buffer *out, const struct setting *const tables[])
{
    for (size_t t = 0; tables[t]; t++)
        for (const struct setting *setting = tables[t]; setting->type != SETTING_END; setting++)
            buffer_printf(out, "  %-28s %s%s%s%s\n", setting->name, setting->help,
                setting->required ? " (required)" : "", setting->preset && *setting->preset ? ", preset " : "",
                setting->preset ? setting->preset : "");
}

static struct log_field field_of(const struct setting *setting, const void *config)
{
    const char *at = (const char *)config + setting->offset;
    int64_t number;
    bool flag;
    switch (setting->type) {
    case SETTING_TEXT:
        return LOG_TEXT(setting->name, at);
    case SETTING_SECRET:
        return LOG_TEXT(setting->name, *at ? "(set)" : "(not set)");
    case SETTING_FLAG:
        memcpy(&flag, at, sizeof flag);
        return LOG_BOOL(setting->name, flag);
    default:
        memcpy(&number, at, sizeof number);
        return LOG_COUNT(setting->name, number);
    }
}

void settings_log(const void *config, const struct setting *const tables[])
{
    struct log_field fields[MOST_SETTINGS + 1] = { 0 };
    size_t count = 0;
    for (size_t t = 0; tables[t]; t++)
        for (const struct setting *setting = tables[t]; setting->type != SETTING_END && count < MOST_SETTINGS;
             setting++)
            fields[count++] = field_of(setting, config);
    log_event(LOG_INFO, NULL, "settings", fields);
}
