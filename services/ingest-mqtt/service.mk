SERVICES            += ingest-mqtt
ingest-mqtt.sources := main.c settings.c front.c session.c login.c payload.c publish.c publish_job.c subscribe.c command.c ack_queue.c complaints.c \
                       edge_node.c sparkplug.c topic.c mqtt_decode.c mqtt_encode.c mqtt_reader.c
ingest-mqtt.libs    := service front net ingest rpc auth wire bus metrics base
# The decoder is fuzzed from here: no library holds it.
mqtt_decode_fuzz.objects := ingest-mqtt/mqtt_decode.o ingest-mqtt/mqtt_encode.o ingest-mqtt/mqtt_reader.o ingest-mqtt/topic.o
sparkplug_fuzz.objects   := ingest-mqtt/sparkplug.o
