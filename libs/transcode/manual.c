#include "transcode/manual.h"
#include <stdlib.h>
#include <string.h>

static int compare_names(const void *name, const void *message)
{
    return strcmp(name, ((const struct message_manual *)message)->name);
}

const struct message_manual *message_manual_find(const char *full_name)
{
    return bsearch(full_name, proto_manual, proto_manual_count, sizeof proto_manual[0], compare_names);
}

const struct field_manual *field_manual_find(const struct message_manual *message, const char *field)
{
    for (const struct field_manual *at = message ? message->fields : NULL; at && at->name; at++)
        if (strcmp(at->name, field) == 0)
            return at;
    return NULL;
}

const char *method_manual_comment(const char *service_full_name, const char *method)
{
    for (const struct method_manual *at = proto_manual_methods; at->name; at++)
        if (strcmp(at->service, service_full_name) == 0 && strcmp(at->name, method) == 0)
            return at->comment;
    return "";
}
