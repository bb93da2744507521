PROGRAMS           += nwims-copy
nwims-copy.folder  := tests/bench/copy
nwims-copy.sources := main.c
nwims-copy.libs    := store base
