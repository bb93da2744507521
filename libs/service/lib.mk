LIBS            += service
service.sources := admin.c arguments.c audit.c audit_device.c audit_fields.c audit_outbox.c audit_sampler.c audit_trail.c connect.c exit.c healthcheck.c idempotency.c lifetime.c outbox_relay.c ping.c precondition.c readiness.c service.c service_settings.c storage.c streams.c
service.needs   := base metrics bus store http wire rpc
service.defines := $(DEFINES)
