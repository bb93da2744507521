PROGRAMS           += nwims-load
nwims-load.folder  := tests/bench/load
nwims-load.sources := main.c
nwims-load.libs    := http base
