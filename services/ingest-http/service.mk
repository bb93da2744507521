SERVICES            += ingest-http
ingest-http.sources := main.c settings.c device_api.c login.c signature.c repeat_memory.c pending.c delivery.c readings_api.c commands_api.c influx_api.c thingsboard_api.c
ingest-http.libs    := service front net http ingest rpc auth wire bus metrics base
# The decoder is fuzzed from here: no library holds it.
signature_fuzz.objects := ingest-http/signature.o
