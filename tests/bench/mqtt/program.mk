PROGRAMS                += nwims-mqtt-load
nwims-mqtt-load.folder  := tests/bench/mqtt
nwims-mqtt-load.sources := main.c fleet.c
nwims-mqtt-load.libs    := net metrics base
