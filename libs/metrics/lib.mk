LIBS            += metrics
metrics.sources := metrics.c metrics_process.c metrics_render.c
metrics.needs   := base
