SERVICES        += gateway
gateway.sources := main.c settings.c gateway.c exchange.c key_ring.c documents.c rpc_exchange.c write_headers.c route_list.c \
                   layers/trace.c layers/security_headers.c layers/authenticate.c layers/authorise.c layers/account.c \
                   routes/routes.c routes/auth.c routes/tenants.c routes/users.c routes/municipalities.c routes/zones.c \
                   routes/devices.c routes/sensors.c routes/readings.c routes/batch.c routes/ingest.c routes/system.c \
                   streams/batch_readings.c streams/system_version.c
gateway.assets  := docs_page.html
gateway.libs    := service cache http transcode ingest rpc auth wire bus metrics base
