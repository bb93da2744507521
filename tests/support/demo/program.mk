PROGRAMS           += nwims-demo
nwims-demo.folder  := tests/support/demo
nwims-demo.sources := main.c api.c network.c state.c feed.c mqtt.c nwt.c
nwims-demo.libs    := http transcode base
