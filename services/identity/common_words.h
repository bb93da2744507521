/* Words that passwords are made of before anything else: lower case, NULL-terminated. Collected by ourselves from what
 * every published list of common passwords has on its first pages, and from what people at a waterworks would think of.
 */
#pragma once

extern const char *const common_words[];
