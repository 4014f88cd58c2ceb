/*
 * One round of pulling, without the index: bench_sync DIR
 *
 * What `tongzhou sync` does before it folds: every peer of the node in DIR is asked once, everything it has is fetched,
 * verified, stored durably and cosigned. One JSON object tells what the round took and moved.
 */
#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "connect/startcheck.h"
#include "connect/sync.h"
#include "state/author.h"

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void die(const char *what, const char *why)
{
    fprintf(stderr, "bench_sync: %s: %s\n", what, why);
    exit(2);
}

/* Descriptors open now, the one that counts them aside. */
static unsigned descriptors(void)
{
    unsigned count = 0;
    DIR *folder = opendir("/proc/self/fd");
    if (!folder)
        return 0;
    for (const struct dirent *entry; (entry = readdir(folder)) != NULL;)
        count += entry->d_name[0] != '.';
    closedir(folder);
    return count - 1;
}

static void look(void *ctx, const struct sync_report *report)
{
    unsigned *most = ctx, now = descriptors();
    (void)report;
    *most = now > *most ? now : *most;
}

/* After every commit, too, when files and connections are open. */
static void look_again(void *ctx)
{
    look(ctx, NULL);
}

int main(int argc, char **argv)
{
    struct store_options options = {0};
    struct store *store;
    struct sync_report report;
    struct err err;
    unsigned most = 0;
    if (argc != 2)
        die("usage", "bench_sync DIR");
    if (store_open(argv[1], &options, &store, &err))
        die(argv[1], err.text);
    struct sync_options round = {
        .ignore_backoff = true, .progress = look, .changed = look_again, .ctx = &most, .mode = MODE_FULL};
    double start = now_s();
    round.may_sign = start_check(store, true, &err) == 0;
    if (sync_round(store, &round, &report, &err))
        die("round", err.text);
    double seconds = now_s() - start;
    for (size_t i = 0; i < report.failure_count && i < SYNC_FAILURES_MAX; i++)
        fprintf(stderr, "bench_sync: %s: %s\n", report.failures[i].url, report.failures[i].reason);
    look(&most, &report);
    printf("{\"seconds\":%.3f,\"peers\":%" PRIu64 ",\"reached\":%" PRIu64 ",\"logs\":%" PRIu64 ",\"entries\":%" PRIu64
           ",\"payloads\":%" PRIu64 ",\"bytes_in\":%" PRIu64 ",\"bytes_out\":%" PRIu64 ",\"requests\":%" PRIu64
           ",\"cosigned\":%" PRIu64 ",\"commits\":%" PRIu64 ",\"descriptors\":%u}\n",
           seconds, report.peers, report.reached, report.logs, report.entries, report.payloads, report.bytes_in,
           report.bytes_out, report.requests, report.cosigned, report.commits, most);
    store_close(store);
    return report.failure_count > 0 || report.reached != report.peers;
}
