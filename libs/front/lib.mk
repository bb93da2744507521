LIBS          += front
front.sources := command_feed.c complaint.c device_check.c event_outlet.c presence.c roster.c workers.c
front.needs   := base wire bus metrics net ingest
