/* A bounded table from keys to values of one size, for the directory: entries expire, absent keys have a place of their
 * own (so that a flood of unknown names cannot push out known ones), and when it is full an eighth goes, those not
 * asked for lately first. The directory's lock guards it: get under the shared lock, all else under the exclusive one.
 * Inside libs/ingest only. */
#pragma once
#include "base/compiler.h"

struct directory_table;
enum directory_answer { DIRECTORY_UNKNOWN, DIRECTORY_ABSENT, DIRECTORY_PRESENT };

/* NULL without memory. */
MUST_CHECK struct directory_table *directory_table_new(size_t value_bytes, size_t ceiling);
void directory_table_free(struct directory_table *table);
AUTO_DEFINE(directory_table, directory_table_free)
/* *out_value points into the table. */
enum directory_answer directory_table_get(
    const struct directory_table *table, const void *key, size_t key_size, int64_t now_us, const void **out_value);
/* value NULL: absent. Without memory nothing is kept. Gives how many others went because it was full. */
size_t directory_table_put(
    struct directory_table *table, const void *key, size_t key_size, const void *value, int64_t expires_us);
void directory_table_drop(struct directory_table *table, const void *key, size_t key_size);
/* Walks all: for what cannot be found by its key. */
void directory_table_drop_each(
    struct directory_table *table, bool (*matches)(const void *value, const void *wanted), const void *wanted);
void directory_table_clear(struct directory_table *table);
size_t directory_table_count(const struct directory_table *table);
