LIBS           += cache
cache.sources  := cache.c cache_asked.c cache_class.c cache_entry.c cache_flight.c cache_generations.c cache_group.c cache_keeper.c \
                  cache_key.c cache_lock.c cache_marks.c cache_memory.c cache_metrics.c cache_policy.c cache_rounds.c \
                  cache_statistics.c redis.c redis_connection.c
cache.packages := hiredis
cache.needs    := auth base bus metrics wire
