/* What an ingest must know of devices and sensors, kept in memory: filled from the registry on first use, many names in
 * one call, kept true by its events, bounded. Absent names are remembered for a short time too. Any thread. */
#pragma once
#include "base/arena.h"
#include "bus/bus.h"
#include "rpc/rpc.h"

struct directory;
struct unit;
struct directory_sensor {
    int32_t sensor_no; /* 0: there is none of this name */
    bool is_disabled;
    bool has_range_min, has_range_max;
    double range_min, range_max;
    const struct unit *unit; /* its canonical one; NULL: one that unit.h does not know */
    char code[65];
    char id[37];
    char device_id[37];                      /* "": belongs to none */
    char municipality_id[37], region_id[37]; /* where it counts to; "": nowhere */
};
struct directory_device {
    int32_t tenant_id;
    char device_id[37];
    char device_code[65];
    char credential_id[37];
    /* what it was found by: the verifier of a token (kind "token"), or a name (kind "psk", "x509", "jwt") */
    char kind[8];
    unsigned char verifier[32];
    char lookup[129];
    unsigned char key[64]; /* of "psk"; of "jwt" the public one */
    size_t key_size;
    bool is_disabled;
    bool is_suspended;  /* its tenant is */
    int64_t expires_at; /* 0: never */
};
struct directory_config {
    size_t most_sensors;
    size_t most_credentials;
    int64_t absent_ms; /* how long an absent name is remembered */
    int64_t keep_ms;   /* how long anything is kept without asking again (a net below the events) */
};

MUST_CHECK bool directory_open(
    struct directory **out_directory, struct bus *bus, const struct directory_config *config, struct err *err);
void directory_close(struct directory *directory);
AUTO_DEFINE(directory, directory_close)

struct directory_name {
    const char *text; /* code or id; not NUL-terminated */
    size_t length;
};
/* What lies outside the caller's scope is as unknown as what does not exist: whoever looks sensors up here keeps the
 * scope without a line of its own.
 * Copies what is known of each name to out_sensors[i]; asks the registry (3,000 names a call) for those that are not in
 * memory. */
MUST_CHECK bool directory_sensors(struct directory *directory, const struct rpc_caller *caller,
    const struct directory_name *names, size_t count, struct directory_sensor *out_sensors, struct arena *arena,
    struct err *err);
/* Whose token is this: ERR_UNAUTHENTICATED if nobody's, expired, or of a disabled device. */
MUST_CHECK bool directory_device(struct directory *directory, const char *token, struct directory_device *out_device,
    struct arena *arena, struct err *err);
/* The same without asking the registry: false if memory does not know. For peers whose tokens have been wrong too
 * often. */
MUST_CHECK bool directory_device_known(
    struct directory *directory, const char *token, struct directory_device *out_device);
/* As directory_sensors, from memory only and without waiting: false if any name is not there. */
MUST_CHECK bool directory_sensors_known(struct directory *directory, int32_t tenant_id,
    const struct directory_name *names, size_t count, struct directory_sensor *out_sensors);
/* Credentials that are found by a name: kind "psk" by its identity (the key comes with it), "x509" by the SHA-256 of
 * the certificate in lower-case hex, "jwt" by that of the public key (which comes with it). Whoever names it must have
 * proven to hold it. Errors as directory_device. */
MUST_CHECK bool directory_named(struct directory *directory, const char *kind, const char *lookup,
    struct directory_device *out_device, struct arena *arena, struct err *err);
MUST_CHECK bool directory_named_known(
    struct directory *directory, const char *kind, const char *lookup, struct directory_device *out_device);
/* Whether the credential that a connection was opened with is still good. */
MUST_CHECK bool directory_device_again(struct directory *directory, const struct directory_device *device,
    struct directory_device *out_device, struct arena *arena, struct err *err);
/* The device's payload profile (payload_profile.h) as text in the arena, NULL if it has none; asks the registry when
 * memory does not know. */
MUST_CHECK bool directory_profile(struct directory *directory, const struct directory_device *device,
    const char **out_profile, struct arena *arena, struct err *err);
/* From memory only and without waiting: false if it is not there. */
MUST_CHECK bool directory_profile_known(
    struct directory *directory, const struct directory_device *device, const char **out_profile, struct arena *arena);
/* Called on a thread of the bus after the directory has forgotten a device or a credential that changed; the other id
 * is NULL, and so are both when anything may have changed. Quick. At most one listener, set before there are
 * connections. For those that keep connections open: they look again. */
typedef void directory_changed(void *context, const char *device_id, const char *credential_id);
MUST_CHECK bool directory_listen(
    struct directory *directory, directory_changed *listener, void *context, struct err *err);
/* No call runs any more when this returns. */
void directory_unlisten(struct directory *directory);
