/* Runs a fuzz target over the files of its corpus: tests/replay/NAME DIR. Prints TAP, one test a file. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replay(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (!file)
        return -1;
    static uint8_t data[1 << 22];
    size_t len = fread(data, 1, sizeof(data), file);
    fclose(file);
    /* Exactly sized and on the heap, so that a sanitizer sees a read behind the end. */
    uint8_t *exact = malloc(len ? len : 1);
    if (!exact)
        return -1;
    memcpy(exact, data, len);
    (void)LLVMFuzzerTestOneInput(exact, len);
    free(exact);
    return 0;
}

int main(int argc, char **argv)
{
    DIR *dir = argc == 2 ? opendir(argv[1]) : NULL;
    if (!dir) {
        printf("1..1\nnot ok 1 - corpus folder %s\n", argc == 2 ? argv[1] : "(none given)");
        return 1;
    }
    int count = 0, bad = 0;
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        if (entry->d_name[0] == '.')
            continue;
        char path[4096];
        snprintf(path, sizeof(path), "%s/%s", argv[1], entry->d_name);
        int failed = replay(path) != 0;
        printf("%sok %d - %s\n", failed ? "not " : "", ++count, entry->d_name);
        bad += failed;
    }
    closedir(dir);
    if (count == 0) {
        printf("not ok 1 - the corpus is empty\n");
        count = bad = 1;
    }
    printf("1..%d\n", count);
    return bad != 0;
}
