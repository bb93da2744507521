/* What the directory asks the registry when its memory does not know. Inside libs/ingest only. */
#pragma once
#include "ingest/directory.h"

/* The reply for so many, with every text at its longest, stays below NATS' usual limit of 1 MiB a message. */
enum { DIRECTORY_NAMES_A_CALL = 3000, DIRECTORY_NAME_LONGEST = 64, DIRECTORY_VERIFIER_SIZE = 32 };

/* out_sensors[i] of a name that the registry does not know is all zero. */
MUST_CHECK bool directory_ask_sensors(struct bus *bus, const struct rpc_caller *caller, char **names, size_t count,
    struct directory_sensor *out_sensors, struct arena *arena, struct err *err);
/* By the verifier of a token, or by kind and name. */
struct directory_question {
    const char *kind;
    const unsigned char *verifier; /* NULL: by lookup */
    const char *lookup;
};
/* tenant_id 0: nobody's. */
MUST_CHECK bool directory_ask_device(struct bus *bus, const struct directory_question *question,
    struct directory_device *out_device, struct arena *arena, struct err *err);
/* The device's payload profile as text in the arena, NULL if it has none. */
MUST_CHECK bool directory_ask_profile(struct bus *bus, int32_t tenant_id, const char *device_id,
    const char **out_profile, struct arena *arena, struct err *err);
