/* Which requests read the registers of a profile: neighbours in one. Inside modbus_profile.c only. */
#pragma once
#include "modbus_profile.h"

/* Fills blocks, and each point's block and place. */
void modbus_blocks_make(struct modbus_profile *profile);
