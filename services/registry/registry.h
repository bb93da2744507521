/* What the handlers of registry share. */
#pragma once
#include "rpc/rpc.h"
#include "settings.h"

struct registry {
    struct service *service;
    struct store *store;
    const unsigned char *master_key; /* MASTER_KEY_SIZE bytes; NULL: there is none */
    struct job_runner *jobs;
    struct replay_desk *desk;
    int64_t refusals_most, refusals_days; /* kept: of a tenant, and how long */
};

/* The tables of methods of the services Registry, Assets and RegistryBulk, { 0 } last. */
extern const struct rpc_method registry_methods[];
extern const struct rpc_method assets_methods[];
extern const struct rpc_method bulk_methods[];

/* One each; context is the struct registry. */
rpc_handler region_list, region_create, region_get, region_update, region_delete;
rpc_handler municipality_list, municipality_create, municipality_get, municipality_update, municipality_delete,
    municipality_summarize;
rpc_handler zone_list, zone_create, zone_get, zone_update, zone_delete;
rpc_handler site_list, site_create, site_get, site_update, site_delete;
rpc_handler device_list, device_create, device_get, device_update, device_delete;
rpc_handler device_status_get, command_create, command_list, command_list_open;
rpc_handler credential_list, credential_create, credential_delete;
rpc_handler sensor_list, sensor_create, sensor_get, sensor_update, sensor_delete;
rpc_handler overview_count, overview_map;
rpc_handler thresholds_get, thresholds_put;
rpc_handler municipality_map, zone_map, sensor_map;
rpc_handler asset_list, asset_create, asset_get, asset_update, asset_delete;
rpc_handler network_list, network_map, network_delete, network_get, network_import, upload_put;
rpc_handler places_find_unknown, sensors_resolve, credential_resolve, devices_polled;
rpc_handler payload_profile_resolve;
rpc_handler rejection_list, rejection_get, refusals_count, rejections_replay;
rpc_handler sensors_update, bulk_part_put, rows_import, job_show, job_show_list, job_show_failures, job_stop,
    import_tokens_take;
