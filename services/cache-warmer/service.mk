SERVICES             += cache-warmer
cache-warmer.sources := main.c settings.c warmer.c warmer_api.c fill.c freshener.c asked.c subject.c pace.c tenants.c
cache-warmer.libs    := service cache transcode rpc auth wire bus metrics base
