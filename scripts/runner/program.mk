PROGRAMS             += nwims-runner
nwims-runner.folder  := scripts/runner
nwims-runner.sources := main.c child.c instance.c journal.c log_file.c log_view.c member.c probe.c stack.c stack_text.c supervisor.c view.c
nwims-runner.libs    := base
