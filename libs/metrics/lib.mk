LIBS            += metrics
metrics.sources := metrics.c metric_window.c metrics_process.c metrics_render.c
metrics.needs   := base
