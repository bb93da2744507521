/* Every permission with a word for people; what a custom role or an API key may be made of. A new noun or verb of a
 * route is a line here. */
#include "auth/auth.h"
#include <string.h>

const struct permission_info permission_catalogue[] = {
    { "alert-rules:delete", "Remove alarm rules." },
    { "alert-rules:read", "See alarm rules." },
    { "alert-rules:write", "Make and change alarm rules." },
    { "alerts:delete", "Remove alarms." },
    { "alerts:read", "See alarms." },
    { "alerts:write", "Make and change alarms." },
    { "anomalies:delete", "Remove anomalies and models." },
    { "anomalies:read", "See anomalies and models." },
    { "anomalies:write", "Make and change anomalies and models." },
    { "api-keys:delete", "Remove API keys." },
    { "api-keys:read", "See API keys." },
    { "api-keys:write", "Make and change API keys." },
    { "assets:delete", "Remove assets and the pipe network." },
    { "assets:read", "See assets and the pipe network." },
    { "assets:write", "Make and change assets and the pipe network." },
    { "audit:read", "See who did what, and check the record." },
    { "backups:delete", "Remove backups." },
    { "backups:read", "See backups." },
    { "backups:write", "Make and change backups." },
    { "cache:delete", "Remove the cache and its policies." },
    { "cache:read", "See the cache and its policies." },
    { "cache:write", "Make and change the cache and its policies." },
    { "devices:command", "Send commands to devices." },
    { "devices:delete", "Remove devices and their credentials." },
    { "devices:read", "See devices and their credentials." },
    { "devices:write", "Make and change devices and their credentials." },
    { "exports:delete", "Remove exports." },
    { "exports:read", "See exports." },
    { "exports:write", "Make and change exports." },
    { "incidents:delete", "Remove incidents." },
    { "incidents:read", "See incidents." },
    { "incidents:write", "Make and change incidents." },
    { "ingest:delete", "Remove what ingest took and refused." },
    { "ingest:read", "See what ingest took and refused." },
    { "ingest:write", "Make and change what ingest took and refused." },
    { "maintenance:delete", "Remove work orders, maintenance windows and calibrations." },
    { "maintenance:read", "See work orders, maintenance windows and calibrations." },
    { "maintenance:write", "Make and change work orders, maintenance windows and calibrations." },
    { "municipalities:delete", "Remove municipalities." },
    { "municipalities:read", "See municipalities." },
    { "municipalities:write", "Make and change municipalities." },
    { "notifications:delete", "Remove notification channels and policies." },
    { "notifications:read", "See notification channels and policies." },
    { "notifications:write", "Make and change notification channels and policies." },
    { "overview:read", "See the overview." },
    { "readings:delete", "Remove readings." },
    { "readings:read", "See readings, latest values and aggregates." },
    { "readings:write", "Send readings." },
    { "regions:delete", "Remove regions, what municipalities lie in." },
    { "regions:read", "See regions, what municipalities lie in." },
    { "regions:write", "Make and change regions, what municipalities lie in." },
    { "reports:delete", "Remove reports and their schedules." },
    { "reports:read", "See reports and their schedules." },
    { "reports:write", "Make and change reports and their schedules." },
    { "roles:delete", "Remove custom roles." },
    { "roles:read", "See custom roles." },
    { "roles:write", "Make and change custom roles." },
    { "sensors:delete", "Remove sensors and their thresholds." },
    { "sensors:read", "See sensors and their thresholds." },
    { "sensors:write", "Make and change sensors and their thresholds." },
    { "sites:delete", "Remove sites." },
    { "sites:read", "See sites." },
    { "sites:write", "Make and change sites." },
    { "stream:read", "Follow readings and alarms as they come." },
    { "system:read", "See how the services do." },
    { "system:write", "Change how the system runs: signing keys, streams." },
    { "tenants:any", "Act in every tenant." },
    { "tenants:delete", "Remove tenants and their quota." },
    { "tenants:read", "See tenants and their quota." },
    { "tenants:write", "Make and change tenants and their quota." },
    { "users:delete", "Remove users, their roles and sign-in." },
    { "users:read", "See users, their roles and sign-in." },
    { "users:write", "Make and change users, their roles and sign-in." },
    { "webhooks:delete", "Remove webhooks and their deliveries." },
    { "webhooks:read", "See webhooks and their deliveries." },
    { "webhooks:write", "Make and change webhooks and their deliveries." },
    { "zones:delete", "Remove zones (district metered areas)." },
    { "zones:read", "See zones (district metered areas)." },
    { "zones:write", "Make and change zones (district metered areas)." },
    { NULL, NULL },
};

bool permission_exists(const char *permission)
{
    size_t length = strlen(permission);
    bool is_all_of_noun = length > 2 && strcmp(permission + length - 2, ":*") == 0;
    if (strcmp(permission, "*:*") == 0)
        return true;
    for (const struct permission_info *info = permission_catalogue; info->name; info++)
        if (is_all_of_noun ? strncmp(info->name, permission, length - 1) == 0 : strcmp(info->name, permission) == 0)
            return true;
    return false;
}
