/* Feeds every file of the directories and files named to a fuzz target that was built without a fuzzer, and says how
 * many there were. */
#include "tests/fuzz/fuzz.h"
#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { LARGEST_INPUT = 4 * 1024 * 1024 };

static bool replay_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    uint8_t *bytes = malloc(LARGEST_INPUT);
    bool ok = file && bytes;
    if (ok) {
        size_t size = fread(bytes, 1, LARGEST_INPUT, file);
        ok = !ferror(file) && feof(file);
        /* Exactly as large as the input: reading beyond it is seen by the address sanitizer. */
        uint8_t *input = malloc(size > 0 ? size : 1);
        ok = ok && input;
        if (ok) {
            memcpy(input, bytes, size);
            LLVMFuzzerTestOneInput(input, size);
        }
        free(input);
    }
    free(bytes);
    if (file)
        fclose(file);
    if (!ok)
        fprintf(stderr, "%s: cannot be read, or is larger than %d bytes\n", path, LARGEST_INPUT);
    return ok;
}

static bool replay_directory(const char *path, size_t *count)
{
    char name[4096];
    DIR *directory = opendir(path);
    bool ok = directory != NULL;
    for (const struct dirent *entry; ok && (entry = readdir(directory));) {
        if (entry->d_name[0] == '.')
            continue;
        snprintf(name, sizeof name, "%s/%s", path, entry->d_name);
        ok = replay_file(name);
        (*count)++;
    }
    if (directory)
        closedir(directory);
    return ok;
}

int main(int argc, char **argv)
{
    size_t count = 0;
    for (int i = 1; i < argc; i++) {
        struct stat what;
        bool ok = stat(argv[i], &what) == 0;
        if (ok && S_ISDIR(what.st_mode)) {
            ok = replay_directory(argv[i], &count);
        } else if (ok) {
            ok = replay_file(argv[i]);
            count++;
        }
        if (!ok) {
            fprintf(stderr, "%s: replay failed\n", argv[i]);
            return 1;
        }
    }
    printf("%zu inputs\n", count);
    return 0;
}
