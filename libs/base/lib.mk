LIBS         += base
base.sources := arena.c base64.c buffer.c clock.c condition.c crc32c.c csv.c err.c json_writer.c log.c map.c number.c queue.c rounds.c sha1.c settings.c text.c time_text.c uuid.c
