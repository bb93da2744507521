LIBS         += jobs
jobs.sources := job.c job_show.c job_progress.c job_runner.c
jobs.needs   := base wire metrics store rpc
