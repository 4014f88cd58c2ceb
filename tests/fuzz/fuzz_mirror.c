/* fuzz: state */
/*
 * What a peer serves of a log: u16 length of a checkpoint, the checkpoint, entries in bundle form. The log is there
 * already with one entry, or (odd first byte) known by its origin only. Whatever becomes a head, verifies.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "state/author.h"
#include "state/mirror.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct store *store;
static struct log_info log_info;
static char folder[] = "/tmp/tz-fuzz-XXXXXX";

static void clean(void)
{
    char command[64];
    store_close(store);
    snprintf(command, sizeof command, "rm -rf %s", folder);
    if (system(command) != 0)
        abort();
}

static void start(void)
{
    char recovery[64];
    struct err err;
    struct store_options options = {.create = true};
    if (!mkdtemp(folder) || store_open(folder, &options, &store, &err) != 0)
        abort();
    atexit(clean);
    snprintf(recovery, sizeof recovery, "%s/recovery", folder);
    struct author_new make = {.role = LOG_OWN, .is_operator = true, .recovery_path = recovery};
    strcpy(make.profile.name, "fuzz.example");
    make.profile.class = CLASS_CIVIL;
    if (author_create(store, &make, &log_info, &err) != 0)
        abort();
}

static void feed(int64_t number, struct span note, struct span bundle)
{
    struct log_info info;
    struct err err;
    enum mirror_result result;
    uint64_t count;
    size_t fresh;
    if (store_log(store, number, &info, &err) != 0)
        abort();
    (void)mirror_judge(store, &info, note, &result, &err);
    (void)mirror_collect(store, number, note, &fresh, &err);
    if (mirror_stage(store, number, bundle, &count, &err) == 0 && mirror_finish(store, number, note, &err) == 0) {
        struct log_info after;
        if (store_log(store, number, &after, &err) != 0 || after.size != info.staged + count)
            abort();
    }
    if (store_unstage(store, number, &err) != 0)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!store)
        start();
    if (size < 3)
        return 0;
    bool known = data[0] % 2 == 0;
    struct span all = span_of(data + 1, size - 1);
    size_t len = (size_t)all.data[0] << 8 | all.data[1];
    struct span note = span_sub(all, 2, len), bundle = span_sub(all, 2 + len, size);
    struct err err;
    int64_t number = log_info.number;
    if (store_begin(store, &err) != 0)
        abort();
    if (!known) {
        struct log_new log = {.origin = SPAN_LIT("other.example/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"),
                              .role = LOG_MIRROR,
                              .mode = MODE_FULL};
        if (store_log_create(store, &log, &number, &err) != 0)
            abort();
    }
    feed(number, note, bundle);
    store_rollback(store);
    return 0;
}
