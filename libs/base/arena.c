#include "base/arena.h"
#include <stdalign.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_CHUNK_BYTES = 16 * 1024, LARGEST_GROWTH_BYTES = 1024 * 1024, KEPT_CHUNK_BYTES = 256 * 1024 };

struct arena_chunk {
    struct arena_chunk *next;
    size_t size_bytes;
    size_t used_bytes;
    alignas(max_align_t) unsigned char bytes[];
};

void arena_init(struct arena *arena, size_t ceiling_bytes)
{
    *arena = (struct arena){ .ceiling_bytes = ceiling_bytes };
}

static void free_chunks(struct arena_chunk *chunk)
{
    while (chunk) {
        struct arena_chunk *next = chunk->next;
        free(chunk);
        chunk = next;
    }
}

void arena_done(struct arena *arena)
{
    free_chunks(arena->chunks);
    arena->chunks = NULL;
    arena->used_bytes = 0;
}

void arena_reset_keeping(struct arena *arena, size_t most_bytes)
{
    arena->used_bytes = 0;
    if (!arena->chunks)
        return;
    free_chunks(arena->chunks->next);
    arena->chunks->next = NULL;
    arena->chunks->used_bytes = 0;
    if (arena->chunks->size_bytes > most_bytes) {
        free(arena->chunks);
        arena->chunks = NULL;
    }
}

void arena_reset(struct arena *arena)
{
    arena_reset_keeping(arena, KEPT_CHUNK_BYTES);
}

static struct arena_chunk *chunk_for(struct arena *arena, size_t size_bytes)
{
    size_t wanted = arena->chunks ? arena->chunks->size_bytes * 2 : FIRST_CHUNK_BYTES;
    if (wanted > LARGEST_GROWTH_BYTES)
        wanted = LARGEST_GROWTH_BYTES;
    if (wanted < size_bytes)
        wanted = size_bytes;
    struct arena_chunk *chunk = malloc(sizeof *chunk + wanted);
    if (!chunk)
        return NULL;
    chunk->next = arena->chunks;
    chunk->size_bytes = wanted;
    chunk->used_bytes = 0;
    arena->chunks = chunk;
    return chunk;
}

void *arena_alloc(struct arena *arena, size_t size_bytes)
{
    if (size_bytes > arena->ceiling_bytes)
        return NULL;
    size_t rounded = (size_bytes + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
    if (rounded == 0)
        rounded = alignof(max_align_t);
    if (rounded > arena->ceiling_bytes - arena->used_bytes)
        return NULL;
    struct arena_chunk *chunk = arena->chunks;
    if (!chunk || chunk->size_bytes - chunk->used_bytes < rounded)
        chunk = chunk_for(arena, rounded);
    if (!chunk)
        return NULL;
    void *place = chunk->bytes + chunk->used_bytes;
    chunk->used_bytes += rounded;
    arena->used_bytes += rounded;
    return memset(place, 0, rounded);
}

void *arena_alloc_array(struct arena *arena, size_t count, size_t size_bytes)
{
    size_t total;
    if (__builtin_mul_overflow(count, size_bytes, &total))
        return NULL;
    return arena_alloc(arena, total);
}

char *arena_text_n(struct arena *arena, const char *text, size_t length)
{
    size_t total;
    if (__builtin_add_overflow(length, (size_t)1, &total))
        return NULL;
    char *copy = arena_alloc(arena, total);
    if (copy && length > 0)
        memcpy(copy, text, length);
    return copy;
}

char *arena_text(struct arena *arena, const char *text)
{
    return arena_text_n(arena, text, strlen(text));
}

char *arena_printf(struct arena *arena, const char *format, ...)
{
    va_list values;
    va_start(values, format);
    int length = vsnprintf(NULL, 0, format, values);
    va_end(values);
    if (length < 0)
        return NULL;
    char *text = arena_alloc(arena, (size_t)length + 1);
    if (!text)
        return NULL;
    va_start(values, format);
    vsnprintf(text, (size_t)length + 1, format, values);
    va_end(values);
    return text;
}
