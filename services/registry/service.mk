SERVICES         += registry
registry.sources := main.c settings.c registry_api.c work.c field.c page.c entity_store.c entity_api.c municipality_store.c \
                    municipality_api.c zone_store.c zone_api.c device_store.c device_api.c credential_store.c \
                    credential_api.c sensor_store.c sensor_api.c overview_store.c overview_api.c resolve_store.c resolve_api.c
registry.libs    := service rpc ingest auth store bus wire metrics base
