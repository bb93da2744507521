LIBS        += rpc
rpc.sources := rpc_answer.c rpc_caller.c rpc_client.c rpc_metrics.c rpc_server.c rpc_status.c trace.c
rpc.needs   := base wire bus metrics
