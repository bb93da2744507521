#include "front/psk_door.h"
#include "base/text.h"
#include "front/complaint.h"
#include <string.h>

enum { ARENA_BYTES = 64 * 1024 };

size_t psk_door_key(void *context, const char *identity, unsigned char *key, size_t key_size)
{
    AUTO_INPLACE(arena) arena;
    const struct psk_door *door = context;
    struct directory_device device;
    struct err err = { 0 };
    arena_init(&arena, ARENA_BYTES);
    bool is_known = text_is_utf8(identity, strlen(identity)) &&
                    directory_named(door->directory, "psk", identity, &device, &arena, &err);
    bool is_wrong = err.kind == ERR_NONE || err.kind == ERR_UNAUTHENTICATED;
    if (!is_known) /* whose address it is cannot be seen from here */
        complaint_note(is_wrong ? door->wrong : door->unavailable, 0, "", "",
            err.kind == ERR_NONE ? "no UTF-8 for an identity" : err.text);
    if (!is_known || device.key_size == 0 || device.key_size > key_size)
        return 0;
    memcpy(key, device.key, device.key_size);
    explicit_bzero(device.key, sizeof device.key);
    return device.key_size;
}
