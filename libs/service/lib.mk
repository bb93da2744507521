LIBS            += service
service.sources := admin.c exit.c outbox_relay.c service.c service_settings.c streams.c
service.needs   := base metrics bus store http wire rpc
service.defines := $(DEFINES)
