SERVICES            += ingest-http
ingest-http.sources := main.c settings.c device_api.c login.c signature.c repeat_memory.c delivery.c readings_api.c influx_api.c thingsboard_api.c
ingest-http.libs    := service front net http ingest rpc auth wire bus metrics base
