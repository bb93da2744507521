SERVICES           += ingest-tcp
ingest-tcp.sources := main.c settings.c message.c nwt_read.c nwt_write.c line_read.c line_write.c front.c session.c login.c records.c records_job.c formats.c \
                      command.c complaints.c track.c positions.c position_store.c \
                      modbus_profile.c modbus_blocks.c modbus_line.c networks.c polled_list.c poll.c poller.c
ingest-tcp.libs    := service front net ingest rpc auth wire bus metrics base
ingest-tcp.ldlibs  := -lmodbus
# The decoders are fuzzed from here: no library holds them.
nwt_read_fuzz.objects  := ingest-tcp/nwt_read.o ingest-tcp/nwt_write.o
line_read_fuzz.objects := ingest-tcp/line_read.o ingest-tcp/line_write.o ingest-tcp/message.o ingest-tcp/formats.o
modbus_profile_fuzz.objects := ingest-tcp/modbus_profile.o ingest-tcp/modbus_blocks.o
