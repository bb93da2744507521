PROGRAMS                += nwims-device-load
nwims-device-load.folder  := tests/bench/device-load
nwims-device-load.sources := main.c fleet.c dialect_mqtt.c dialect_nwt.c
nwims-device-load.libs    := net metrics base
