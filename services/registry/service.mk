SERVICES         += registry
registry.sources := main.c settings.c registry_api.c work.c scope.c field.c page.c sql.c row.c entity_store.c entity_create.c entity_list.c \
                    entity_api.c region_api.c municipality_api.c municipality_summary.c zone_api.c site_api.c device_api.c \
                    credential.c credential_store.c credential_api.c sensor_api.c thresholds_api.c map_api.c overview_store.c overview_api.c asset_api.c network_api.c network_delete.c network_map.c network_store.c upload_store.c assets_api.c asset_parents.c bulk_api.c bulk_apply.c bulk_flow.c \
                    rows.c rows_import.c import_tokens.c rows_reference.c sensor_record.c sensor_unit.c sensors_update.c resolve_store.c resolve_api.c \
                    tenant_watch.c event_feed.c presence.c presence_store.c gaps_store.c command_store.c command_api.c device_watch.c \
                    refusal_store.c refusal_api.c replay.c replay_api.c
registry.libs    := service jobs rpc epanet ingest transcode auth store bus wire metrics base
# Rows of an import are fuzzed from here, with all of the service but its main.
rows_fuzz.objects  := $(patsubst %.c,registry/%.o,$(filter-out main.c,$(registry.sources)))
rows_fuzz.libs     := $(registry.libs)
