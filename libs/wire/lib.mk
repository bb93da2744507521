LIBS          += wire
wire.sources  := wire.c
wire.generated := nwims/v1/common.pb-c.c nwims/v1/readings.pb-c.c nwims/v1/identity.pb-c.c nwims/v1/registry.pb-c.c nwims/v1/history.pb-c.c
wire.packages := libprotobuf-c
wire.needs    := base
