SERVICES        += auditor
auditor.sources := main.c settings.c chain.c chain_walk.c record.c record_store.c recorder.c auditor_metrics.c head.c head_store.c head_walk.c \
                   key_store.c sealer.c auditor_api.c record_api.c query_store.c verify_api.c verify_cursor.c verify_store.c head_api.c
auditor.libs    := service rpc auth store bus wire metrics base
