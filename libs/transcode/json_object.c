#include "transcode/json_object.h"
#include "transcode/json_tree.h"
#include <string.h>

bool json_object_check(const char *text, size_t most_bytes, struct err *err)
{
    AUTO(cJSON) tree = NULL;
    size_t size = strnlen(text, most_bytes + 1);
    if (size > most_bytes)
        return err_set(err, ERR_INPUT, "is larger than %zu bytes", most_bytes);
    if (!json_tree_parse(&tree, text, size, err))
        return false;
    return cJSON_IsObject(tree) || err_set(err, ERR_INPUT, "an object is wanted");
}
