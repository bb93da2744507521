LIBS           += store
store.sources  := copy_writer.c migrate.c outbox.c store.c store_connect.c store_error.c store_metrics.c store_param.c store_result.c store_session.c \
                  store_statement.c store_timer.c
store.packages := libpq
store.needs    := base metrics
