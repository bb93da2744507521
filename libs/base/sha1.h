/* SHA-1 (RFC 3174), for protocols that ask for it by name (WebSocket's handshake); not for keeping anything safe. */
#pragma once
#include "base/compiler.h"

enum { SHA1_SIZE = 20 };
void sha1(unsigned char digest[SHA1_SIZE], const void *data, size_t size);
