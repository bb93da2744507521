SERVICES             += batch-writer
batch-writer.sources := main.c settings.c batch.c chores.c compaction.c compactor.c group.c group_store.c mark_set.c partition.c partition_store.c rollup.c sequence_store.c sequence_teller.c stream_keeper.c writer.c writer_metrics.c
batch-writer.libs    := service store ingest bus wire metrics base
