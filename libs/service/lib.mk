LIBS            += service
service.sources := admin.c arguments.c audit.c connect.c exit.c healthcheck.c lifetime.c outbox_relay.c readiness.c service.c service_settings.c streams.c
service.needs   := base metrics bus store http wire rpc
service.defines := $(DEFINES)
