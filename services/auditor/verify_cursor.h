/* Where a verification goes on: "<sequence>.<id>.<link>.<other>", the last two in hexadecimal. Pure. */
#pragma once
#include "chain_walk.h"

enum { VERIFY_CURSOR_SIZE = 200 };
void verify_cursor_write(char text[VERIFY_CURSOR_SIZE], const struct chain_walk *walk);
/* Puts the walk there. False if it is none of ours. */
MUST_CHECK bool verify_cursor_read(struct chain_walk *walk, const char *text);
