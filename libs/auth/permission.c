#include "auth/auth.h"
#include "base/text.h"
#include <string.h>

#define READ_NETWORK                                                                                                   \
    "regions:read municipalities:read zones:read sites:read assets:read devices:read sensors:read readings:read "      \
    "alerts:read "                                                                                                     \
    "alert-rules:read "                                                                                                \
    "incidents:read anomalies:read maintenance:read reports:read overview:read stream:read"

static const struct {
    const char *name;
    const char *description;
    const char *permissions;
} roles[] = {
    { "national_admin", "Everything, in every tenant.", "*:*" },
    { "tenant_admin", "Everything of one tenant, its people included.",
        "regions:* users:* roles:* api-keys:* municipalities:* zones:* sites:* assets:* devices:* sensors:* "
        "readings:* alerts:* alert-rules:* "
        "incidents:* anomalies:* maintenance:* notifications:* webhooks:* reports:* exports:* audit:read "
        "batch:* cache:* ingest:* overview:read "
        "stream:read system:read" },
    { "operator", "Runs the network: alarms, devices, sensors, maintenance, reports.",
        READ_NETWORK " readings:write alerts:write incidents:write anomalies:write maintenance:write sensors:write "
                     "devices:write alert-rules:write reports:write exports:read exports:write notifications:read "
                     "ingest:read cache:write system:read" },
    { "analyst", "Reads everything of the network, judges anomalies, makes reports and exports.",
        READ_NETWORK
        " anomalies:write reports:write exports:read exports:write exports:delete ingest:read audit:read" },
    { "viewer", "Reads the network, its readings and its alarms.", READ_NETWORK },
    { "technician", "Works in the field: devices, sensors, calibration and maintenance.",
        READ_NETWORK " devices:write sensors:write maintenance:write readings:write alerts:write ingest:read" },
    { "device", "For machines: sends readings, nothing else.", "readings:write" },
};

const char *const role_names[] = { "national_admin", "tenant_admin", "operator", "analyst", "viewer", "technician",
    "device", NULL };

const char *role_permissions(const char *role)
{
    for (size_t i = 0; i < COUNT_OF(roles); i++)
        if (strcmp(roles[i].name, role) == 0)
            return roles[i].permissions;
    return "";
}

const char *role_description(const char *role)
{
    for (size_t i = 0; i < COUNT_OF(roles); i++)
        if (strcmp(roles[i].name, role) == 0)
            return roles[i].description;
    return "";
}

/* Whether the one permission of the list that begins here covers the one needed. */
static bool covers(const char *have, size_t have_length, const char *needed, size_t noun_length)
{
    if (have_length == strlen(needed) && memcmp(have, needed, have_length) == 0)
        return true;
    if (have_length == 3 && memcmp(have, "*:*", 3) == 0)
        return true;
    return noun_length > 0 && have_length == noun_length + 2 && memcmp(have, needed, noun_length + 1) == 0 &&
           have[have_length - 1] == '*';
}

bool permission_granted(const char *permissions, const char *needed)
{
    if (!needed || !*needed)
        return true;
    const char *colon = strchr(needed, ':');
    size_t noun_length = colon ? (size_t)(colon - needed) : 0;
    for (const char *at = permissions ? permissions : ""; *at;) {
        size_t length = strcspn(at, " ");
        if (length > 0 && covers(at, length, needed, noun_length))
            return true;
        at += length;
        at += *at == ' ';
    }
    return false;
}

static bool append(char permissions[CLAIM_PERMISSIONS_SIZE], const char *one, size_t length, struct err *err)
{
    char text[CLAIM_TEXT_SIZE];
    size_t used = strlen(permissions);
    if (length >= sizeof text || used + length + 2 > CLAIM_PERMISSIONS_SIZE)
        return err_set(err, ERR_LIMIT, "the permissions of these roles do not fit into a token");
    memcpy(text, one, length);
    text[length] = '\0';
    if (permission_granted(permissions, text))
        return true;
    if (used > 0)
        permissions[used++] = ' ';
    memcpy(permissions + used, text, length + 1);
    return true;
}

bool permission_join(char permissions[CLAIM_PERMISSIONS_SIZE], const char *others, struct err *err)
{
    while (*others) {
        size_t length = strcspn(others, " ");
        if (length > 0 && !append(permissions, others, length, err))
            return false;
        others += length;
        others += *others == ' ';
    }
    return true;
}

bool permission_covers(const char *permissions, const char *others)
{
    while (*others) {
        char one[CLAIM_TEXT_SIZE];
        size_t length = strcspn(others, " ");
        if (!text_copy(one, sizeof one, others, length) || !permission_granted(permissions, one))
            return false;
        others += length;
        others += *others == ' ';
    }
    return true;
}
