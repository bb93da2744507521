LIBS          += front
front.sources := command_feed.c complaint.c device_check.c event_outlet.c front_config.c gap_report.c gather_end.c life_signs.c presence.c psk_door.c roster.c workers.c
front.needs   := base wire bus metrics net ingest
