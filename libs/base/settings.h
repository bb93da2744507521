/* Settings of a program: one table says name, type, preset and help; the environment is the only source, read once. A
 * secret NAME may also come from the file that NAME_FILE names, or from $CREDENTIALS_DIRECTORY/name in lower case
 * (systemd). */
#pragma once
#include "base/err.h"

enum setting_type {
    SETTING_END,
    SETTING_TEXT,   /* char field[size], at most size - 1 bytes */
    SETTING_SECRET, /* the same, never shown                     */
    SETTING_COUNT,  /* int64_t                                   */
    SETTING_MS,     /* int64_t, milliseconds                     */
    SETTING_BYTES,  /* int64_t, with k, m or g for powers of 1024 */
    SETTING_FLAG,   /* bool: true or false                       */
};

struct setting {
    const char *name;
    enum setting_type type;
    size_t offset; /* where in the configuration */
    size_t size;   /* of the field there          */
    const char *preset;
    bool required;
    int64_t min, max; /* of numbers; max 0: no bound */
    const char *help;
};

/* .offset and .size of a field: { "NATS_URL", SETTING_TEXT, SETTING_FIELD(struct config, bus_url), .preset = ... } */
#define SETTING_FIELD(type, field) offsetof(type, field), sizeof(((type *)0)->field)

/* Fills config from the environment; every mistake at once in mistakes (one a line, for stderr), the count in err
 * (ERR_CONFIG). */
struct buffer;
MUST_CHECK bool settings_load(
    void *config, const struct setting *const tables[], struct buffer *mistakes, struct err *err);
/* As JSON: [{"name", "default", "required", "secret", "help"}], for --help-config. */
void settings_describe(struct buffer *out, const struct setting *const tables[]);
/* As a table for people, for --help. */
void settings_help(struct buffer *out, const struct setting *const tables[]);
/* One log line with the effective values, secrets as "(set)". */
void settings_log(const void *config, const struct setting *const tables[]);
