/*
 * What an append costs: bench_append DIR TOTAL BATCH [SIZE]
 *
 * Makes a node in DIR, which must not exist, and appends TOTAL records of SIZE bytes (1,000 unless given) as BATCH at a
 * time, the way every command does: author_append, each record sealed with a fresh salt, a checkpoint signed, all of it
 * durable before the next batch begins. One JSON object tells how long it took and what stands in the log at the end.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "state/author.h"
#include "state/payload.h"

#define HEADER_MAX 256

struct bench {
    struct store *store;
    struct log_info log;
    size_t batch, size;
    uint8_t *texts; /* batch × size bytes */
    struct author_item *items;
    uint64_t made;
};

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void die(const char *what, const char *why)
{
    fprintf(stderr, "bench_append: %s: %s\n", what, why);
    exit(2);
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static void begin(struct bench *bench, const char *dir)
{
    struct store_options options = {.create = true};
    struct author_new make = {.profile = {.name = "append.example", .class = CLASS_CIVIL},
                              .time_ms = INT64_C(1790000000000),
                              .role = LOG_OWN,
                              .is_operator = true};
    char recovery[4096];
    struct err err;
    snprintf(recovery, sizeof(recovery), "%s.key", dir);
    make.recovery_path = recovery;
    if (store_open(dir, &options, &bench->store, &err) || author_create(bench->store, &make, &bench->log, &err))
        die(dir, err.text);
    unlink(recovery);
    author_allow(bench->store);
    bench->texts = malloc(bench->batch * bench->size);
    bench->items = calloc(bench->batch, sizeof(*bench->items));
    if (!bench->texts || !bench->items)
        die("batch", "no memory");
}

/* Records that differ, of exactly `size` bytes. */
static void fill(struct bench *bench, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char *text = (char *)bench->texts + i * bench->size;
        int len = snprintf(text, HEADER_MAX,
                           "tongzhou/1 bench/record\ntime 2026-11-22T11:14:26.123Z\ntlp clear\n\nrecord %" PRIu64 " ",
                           bench->made++);
        memset(text + len, 'x', bench->size - (size_t)len);
        bench->items[i] = (struct author_item){.text = span_of(text, bench->size), .clear = true};
    }
}

/* The log holds what was appended, and its last payload is the last record. */
static void check(struct bench *bench, size_t last, uint64_t total)
{
    struct buf item;
    struct log_info log;
    struct err err;
    buf_init(&item, PAYLOAD_MAX);
    if (store_log(bench->store, bench->log.number, &log, &err) ||
        payload_read(bench->store, log.number, total, &item, NULL, &err))
        die("check", err.text);
    struct span text = span_sub(buf_view(&item), 4 + SEAL_SALT, SIZE_MAX);
    if (log.size != total + 1 || log.payloads != total || !span_eq(text, bench->items[last].text))
        die("check", "the log does not hold what was appended");
    buf_done(&item);
}

int main(int argc, char **argv)
{
    struct bench bench = {.size = 1000};
    struct err err;
    uint64_t first;
    if (argc < 4 || argc > 5)
        die("usage", "bench_append DIR TOTAL BATCH [SIZE]");
    uint64_t total = strtoull(argv[2], NULL, 10);
    bench.batch = strtoull(argv[3], NULL, 10);
    if (argc > 4)
        bench.size = strtoull(argv[4], NULL, 10);
    if (total < 1 || bench.batch < 1 || bench.batch > total || bench.size < HEADER_MAX || bench.size > PAYLOAD_MAX)
        die("usage", "1 <= BATCH <= TOTAL, SIZE at least 256");
    begin(&bench, argv[1]);
    double *took = calloc(total / bench.batch + 1, sizeof(*took)), start = now_s(), seconds = 0;
    size_t batches = 0, count = 0;
    if (!took)
        die("batch", "no memory");
    for (uint64_t done = 0; done < total; done += count) {
        count = total - done < bench.batch ? (size_t)(total - done) : bench.batch;
        fill(&bench, count);
        double begun = now_s();
        if (author_append(bench.store, bench.log.number, bench.items, count, 0, &first, &err))
            die("append", err.text);
        took[batches] = now_s() - begun;
        seconds += took[batches++];
    }
    double all = now_s() - start;
    check(&bench, count - 1, total);
    qsort(took, batches, sizeof(*took), compare);
    printf("{\"records\":%" PRIu64 ",\"batch\":%zu,\"bytes\":%zu,\"seconds\":%.3f,\"all_seconds\":%.3f,\"rate\":%.0f,"
           "\"median_ms\":%.3f,\"p99_ms\":%.3f,\"worst_ms\":%.3f}\n",
           total, bench.batch, bench.size, seconds, all, (double)total / seconds, took[batches / 2] * 1e3,
           took[batches * 99 / 100] * 1e3, took[batches - 1] * 1e3);
    store_close(bench.store);
    return 0;
}
