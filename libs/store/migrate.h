/* Brings a service's schema up to date: forward only, one transaction a file, guarded by an advisory lock, checksums
 * kept in <schema>.schema_migration(version, name, sha256-like checksum, applied_at, duration_ms, app_version). Runs as
 * the schema's owner. */
#pragma once
#include "store/store.h"

struct migration {
    int version;
    const char *name;
    const unsigned char *sql; /* not NUL-terminated as far as size goes, but a NUL follows */
    const unsigned long *size;
};
/* MIGRATION(1, 0001_readings) for schema/0001-readings.sql, embedded by the build. */
#define MIGRATION_DECLARE(symbol)                                                                                      \
    extern const unsigned char migration_##symbol[];                                                                   \
    extern const unsigned long migration_##symbol##_size;
#define MIGRATION(version_, symbol)                                                                                    \
    {                                                                                                                  \
        version_, #symbol, migration_##symbol, &migration_##symbol##_size                                              \
    }

/* migrations end with { 0 }. A file that begins with "-- migrate: no-transaction" runs outside one. ERR_CONFIG when an
 * applied file was changed since. A newer schema than ours is fine (a rollback of the program). Every file runs with
 * lock_timeout 5 s. */
MUST_CHECK bool migrate_up(struct store *owner, const char *schema, const struct migration *migrations,
    const char *app_version, struct err *err);
/* Version applied; 0 if none. */
MUST_CHECK bool migrate_version(struct store *store, const char *schema, int *out_version, struct err *err);
