PROGRAMS             += nwims-import
nwims-import.folder  := scripts/importer
nwims-import.sources := main.c source.c checkpoint.c sender.c progress.c
nwims-import.libs    := http transcode base
