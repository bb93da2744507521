/* What we ask of the compiler (GCC and Clang): scope-bound release, results that must be looked at. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MUST_CHECK __attribute__((warn_unused_result))
#define PRINTF_LIKE(format_at, values_at) __attribute__((format(printf, format_at, values_at)))

/* AUTO(copy_writer) writer = NULL;  is released by copy_writer_close at the end of its scope. */
#define AUTO(type) __attribute__((cleanup(type##_auto))) struct type *
#define AUTO_DEFINE(type, release)                                                                                     \
    static inline void type##_auto(struct type **pointer)                                                              \
    {                                                                                                                  \
        release(*pointer);                                                                                             \
    }
/* AUTO_INPLACE(buffer) body = {0};  the same for a struct that lives where it is declared. */
#define AUTO_INPLACE(type) __attribute__((cleanup(type##_done))) struct type

/* Hands a pointer over and forgets it: batch_queue_push_take(queue, TAKE(batch)). */
#define TAKE(pointer)                                                                                                  \
    __extension__({                                                                                                    \
        __auto_type taken_ = (pointer);                                                                                \
        (pointer) = NULL;                                                                                              \
        taken_;                                                                                                        \
    })

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))
