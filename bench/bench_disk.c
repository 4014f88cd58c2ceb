/*
 * What the disk itself does, since every durable figure hangs on it: bench_disk FILE MEGABYTES
 *
 * Writes FILE in pieces of 16 MB, each synced; the same again over it; then 4 kB at a time over it, each synced. One JSON
 * object. FILE is removed.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define PIECE ((size_t)16 << 20)
#define SMALL 4096
#define SYNCS 500

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void put(int fd, const void *bytes, size_t len, off_t at)
{
    if (pwrite(fd, bytes, len, at) == (ssize_t)len && fdatasync(fd) == 0)
        return;
    fprintf(stderr, "bench_disk: %s\n", strerror(errno));
    exit(2);
}

/* Megabytes a second. */
static double sequential(int fd, const void *bytes, size_t pieces)
{
    double start = now_s();
    for (size_t i = 0; i < pieces; i++)
        put(fd, bytes, PIECE, (off_t)(i * PIECE));
    return (double)(pieces * PIECE) / 1e6 / (now_s() - start);
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

int main(int argc, char **argv)
{
    size_t pieces = argc == 3 ? (size_t)strtoull(argv[2], NULL, 10) * 1000000 / PIECE : 0;
    static double took[SYNCS];
    if (pieces == 0) {
        fprintf(stderr, "usage: bench_disk FILE MEGABYTES (17 at least)\n");
        return 2;
    }
    char *bytes = malloc(PIECE);
    int fd = open(argv[1], O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (!bytes || fd < 0) {
        fprintf(stderr, "bench_disk: %s: %s\n", argv[1], strerror(errno));
        return 2;
    }
    for (size_t i = 0; i < PIECE; i++)
        bytes[i] = (char)(i * 2654435761u >> 13);
    double first = sequential(fd, bytes, pieces), again = sequential(fd, bytes, pieces);
    for (size_t i = 0; i < SYNCS; i++) {
        double start = now_s();
        put(fd, bytes, SMALL, (off_t)(i * 2654435761u % pieces * PIECE));
        took[i] = now_s() - start;
    }
    qsort(took, SYNCS, sizeof(*took), compare);
    printf("{\"first_mb_s\":%.0f,\"again_mb_s\":%.0f,\"sync_ms\":%.3f,\"sync_p99_ms\":%.3f}\n", first, again,
           took[SYNCS / 2] * 1e3, took[SYNCS * 99 / 100] * 1e3);
    close(fd);
    unlink(argv[1]);
    free(bytes);
    return 0;
}
