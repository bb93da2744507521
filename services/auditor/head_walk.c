#include "head_walk.h"
#include <string.h>

enum head_finding head_walk_step(struct head_walk *walk, const struct stored_head *head, bool is_signed)
{
    bool follows = !walk->has_before || memcmp(head->head.previous, walk->before, SHA256_SIZE) == 0;
    auth_sha256(walk->before, head->jws, strlen(head->jws));
    walk->has_before = true;
    if (!is_signed)
        return HEAD_CHANGED;
    if (!follows)
        return HEAD_UNLINKED;
    if (head->head.sequence == 0 || head->matches)
        return HEAD_GOOD;
    return head->has_record ? HEAD_DIFFERS : HEAD_NO_RECORD;
}
