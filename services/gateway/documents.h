/* What people read of the API: the OpenAPI document, made from the table of routes and the comments of the .proto
 * files, and the page that shows it. */
#pragma once
#include "base/buffer.h"
#include "base/err.h"

extern const unsigned char asset_docs_page_html[];
extern const unsigned long asset_docs_page_html_size;

MUST_CHECK bool documents_write_openapi(struct buffer *out, struct err *err);
