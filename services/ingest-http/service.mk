SERVICES            += ingest-http
ingest-http.sources := main.c settings.c device_api.c readings_api.c
ingest-http.libs    := service http ingest rpc auth wire bus metrics base
