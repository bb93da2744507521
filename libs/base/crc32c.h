/* CRC-32C (Castagnoli, reflected polynomial 0x82f63b78; RFC 3720 appendix B.4): finds accidents, no malice. */
#pragma once
#include "base/compiler.h"

uint32_t crc32c(const void *bytes, size_t size);
