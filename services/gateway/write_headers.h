/* What a write says in its headers beside the request itself: Idempotency-Key (send it again, it is done once) and
 * If-Match (only if the thing is still as it was). Both are the owner's to keep, in its transaction. */
#pragma once
#include "exchange.h"

/* Puts them into exchange->caller; answers by itself and gives false when one cannot be. Reads have neither. */
MUST_CHECK bool write_headers_take(struct exchange *exchange);
