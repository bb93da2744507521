LIBS         += bus
bus.sources  := bus.c bus_consumer.c bus_durable.c bus_error.c bus_gather.c bus_hold.c bus_inbox.c bus_latest.c bus_message.c bus_position.c bus_puback.c \
                bus_publisher.c bus_request.c bus_retention.c bus_retention_rule.c bus_stream.c bus_streams.c bus_subject.c bus_subscription.c \
                bus_ticket.c
bus.packages := libnats
bus.needs    := base metrics
