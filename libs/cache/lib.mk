LIBS          += cache
cache.sources := cache_class.c
cache.needs   := base
