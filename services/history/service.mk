SERVICES        += history
history.sources := main.c settings.c history.c series_api.c series_store.c aggregate_api.c aggregate_store.c chosen.c readings_api.c readings_store.c counts_api.c batch_api.c kind_days_api.c statistics_api.c statistics_store.c ingest_statistics_api.c ingest_statistics_store.c
history.libs    := service rpc ingest auth store bus wire metrics base
