/*
 * Many small logs on one node, quickly.
 *
 *   bench_logs make DIR COUNT     a node in DIR, which must not exist: its operator's log and COUNT hosted ones
 *   bench_logs append DIR [SIZE]  one record of SIZE bytes (300 unless given) into each hosted log
 *
 * Both as `tongzhou member add` and `tongzhou publish` do it, in one process. The second prints one JSON object.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "state/author.h"

#define RECORD_MIN 128

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void die(const char *what, const char *why)
{
    fprintf(stderr, "bench_logs: %s: %s\n", what, why);
    exit(2);
}

static void open_node(const char *dir, bool create, struct store **ret)
{
    struct store_options options = {.create = create};
    struct err err;
    if (store_open(dir, &options, ret, &err))
        die(dir, err.text);
    author_allow(*ret);
}

static void make_log(struct store *store, const char *dir, bool is_operator, unsigned number)
{
    struct author_new make = {.profile = {.class = CLASS_CIVIL},
                              .time_ms = INT64_C(1790000000000),
                              .role = LOG_OWN,
                              .is_operator = is_operator};
    struct log_info log;
    struct err err;
    char recovery[4096];
    snprintf(make.profile.name, sizeof(make.profile.name), is_operator ? "host.example" : "member-%u.example", number);
    snprintf(recovery, sizeof(recovery), "%s.key", dir);
    make.recovery_path = recovery;
    if (author_create(store, &make, &log, &err))
        die(make.profile.name, err.text);
    unlink(recovery);
}

static void make_node(const char *dir, unsigned count)
{
    struct store *store;
    open_node(dir, true, &store);
    make_log(store, dir, true, 0);
    for (unsigned i = 1; i <= count; i++)
        make_log(store, dir, false, i);
    store_close(store);
}

struct hosted {
    int64_t *numbers;
    size_t count, cap;
};

static int note(void *ctx, const struct log_info *log, struct err *err)
{
    struct hosted *hosted = ctx;
    (void)err;
    if (log->role != LOG_OWN || log->is_operator)
        return 0;
    if (hosted->count == hosted->cap) {
        hosted->cap = hosted->cap ? 2 * hosted->cap : 1024;
        hosted->numbers = realloc(hosted->numbers, hosted->cap * sizeof(*hosted->numbers));
        if (!hosted->numbers)
            die("logs", "no memory");
    }
    hosted->numbers[hosted->count++] = log->number;
    return 0;
}

static void append_each(const char *dir, size_t size)
{
    struct store *store;
    struct hosted hosted = {0};
    struct err err;
    uint64_t first;
    open_node(dir, false, &store);
    if (store_logs(store, note, &hosted, &err))
        die(dir, err.text);
    char *text = malloc(size);
    if (!text)
        die("record", "no memory");
    double start = now_s();
    for (size_t i = 0; i < hosted.count; i++) {
        int len =
            snprintf(text, size, "tongzhou/1 bench/record\ntime 2026-11-22T11:14:26.123Z\ntlp clear\n\nby %" PRId64 " ",
                     hosted.numbers[i]);
        memset(text + len, 'x', size - (size_t)len);
        struct author_item item = {.text = span_of(text, size), .clear = true};
        if (author_append(store, hosted.numbers[i], &item, 1, 0, &first, &err))
            die("append", err.text);
    }
    printf("{\"logs\":%zu,\"bytes\":%zu,\"seconds\":%.3f}\n", hosted.count, size, now_s() - start);
    free(text);
    free(hosted.numbers);
    store_close(store);
}

int main(int argc, char **argv)
{
    size_t size = argc == 4 ? strtoull(argv[3], NULL, 10) : 300;
    if (argc == 4 && strcmp(argv[1], "make") == 0)
        make_node(argv[2], (unsigned)strtoul(argv[3], NULL, 10));
    else if ((argc == 3 || argc == 4) && strcmp(argv[1], "append") == 0 && size >= RECORD_MIN && size <= PAYLOAD_MAX)
        append_each(argv[2], size);
    else
        die("usage", "bench_logs make DIR COUNT | append DIR [SIZE]");
    return 0;
}
