LIBS          += wire
wire.sources  := wire.c
wire.generated := $(patsubst proto/%.proto,%.pb-c.c,$(sort $(wildcard proto/nwims/v1/*.proto)))
wire.packages := libprotobuf-c
wire.needs    := base
