/* What a caller takes (Accept, RFC 9110 section 12.5.1) and what a body says it is (Content-Type). No state. */
#pragma once
#include "base/compiler.h"

/* Whether an Accept header admits the media type: by name, by its type, or as anything; the most exact range decides,
 * and q=0 excludes. NULL and "" admit everything; what cannot be read admits nothing. */
MUST_CHECK bool http_accepts(const char *accept, const char *media_type);
/* False if a Content-Type names a charset other than UTF-8 or US-ASCII; NULL is fine. */
MUST_CHECK bool http_charset_is_utf8(const char *content_type);
