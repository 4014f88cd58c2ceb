/*
 * How fast the sweep is, and whether it is right.
 *
 *   bench_sweep [--json] [--runs N] [--expect FILE] INDICATORS.txt LOG...
 *
 * INDICATORS.txt is a plain list, one indicator a line, `#` begins a comment. The set is compiled into a temporary file
 * and mapped from there; each log is read in blocks of 1 MiB, as the command line does. With --expect, FILE holds what
 * gen_logs planted ("LINE<TAB>VALUE") in the one log given, and anything missed or found beyond it is counted.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "sweep/sweep.h"

#define READ_BYTES (1u << 20)
#define SHOWN_MAX 5 /* wrong hits shown on standard error */

struct options {
    bool json;
    int runs;
    const char *expect, *indicators;
    char **logs;
    int log_count;
};

/* (line, value) as text lines, sorted once complete. */
struct pairs {
    char **lines;
    size_t count, cap;
};

struct result {
    double build_s, open_ms, best_s, mean_s;
    uint64_t accepted, refused, distinct, set_bytes;
    struct sweep_stats stats;
    uint64_t missed, wrong;
    long resident_kb;
};

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void die(const char *what, const char *why)
{
    fprintf(stderr, "bench_sweep: %s: %s\n", what, why);
    exit(2);
}

/* ---- the set ---- */

static int write_file(void *ctx, struct span bytes, struct err *err)
{
    return fwrite(bytes.data, 1, bytes.len, ctx) == bytes.len ? 0 : err_sys(err, "set");
}

static void add_list(struct sweep_builder *builder, const char *path, struct result *result)
{
    FILE *file = fopen(path, "r");
    char *line = NULL;
    size_t cap = 0;
    struct buf value;
    struct err err;
    if (!file)
        die(path, strerror(errno));
    buf_init(&value, SWEEP_TOKEN_MAX);
    for (ssize_t len; (len = getline(&line, &cap, file)) >= 0;) {
        enum ioc_type type;
        struct span text =
            span_trim(span_sub(span_of(line, (size_t)len), 0, span_find(span_of(line, (size_t)len), '#')));
        if (text.len == 0)
            continue;
        if (ioc_canonical(IOC_NONE, text, &value, &type, &err)) {
            result->refused++;
            continue;
        }
        if (sweep_builder_add(builder, type, buf_view(&value), result->accepted++, &err))
            die(path, err.text);
    }
    buf_done(&value);
    free(line);
    fclose(file);
}

/* Compile the list into a file that is gone once closed. */
static int compile(const char *list, struct result *result)
{
    struct sweep_builder *builder = sweep_builder_new(0);
    FILE *file = tmpfile();
    struct err err;
    double start = now_s();
    if (!builder || !file)
        die(list, "no memory or no temporary file");
    add_list(builder, list, result);
    if (sweep_builder_write(builder, write_file, file, &err) || fflush(file) != 0)
        die(list, err.text);
    sweep_builder_free(builder);
    result->build_s = now_s() - start;
    int fd = dup(fileno(file));
    fclose(file);
    return fd;
}

/* ---- hits ---- */

static void pairs_add(struct pairs *pairs, const char *text, size_t len)
{
    if (pairs->count == pairs->cap) {
        pairs->cap = pairs->cap ? 2 * pairs->cap : 1024;
        pairs->lines = realloc(pairs->lines, pairs->cap * sizeof(*pairs->lines));
        if (!pairs->lines)
            die("hits", "no memory");
    }
    pairs->lines[pairs->count++] = strndup(text, len);
}

static int compare_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void pairs_finish(struct pairs *pairs)
{
    size_t kept = 0;
    if (pairs->count)
        qsort(pairs->lines, pairs->count, sizeof(*pairs->lines), compare_text);
    for (size_t i = 0; i < pairs->count; i++)
        if (kept == 0 || strcmp(pairs->lines[kept - 1], pairs->lines[i]) != 0)
            pairs->lines[kept++] = pairs->lines[i];
    pairs->count = kept;
}

static int on_hit(void *ctx, const struct sweep_hit *hit, struct err *err)
{
    struct pairs *pairs = ctx;
    char text[SWEEP_TOKEN_MAX + 32];
    (void)err;
    if (!pairs)
        return 0;
    int len = snprintf(text, sizeof(text), "%llu\t%.*s", (unsigned long long)hit->line, SPAN_ARGS(hit->ioc->value));
    pairs_add(pairs, text, (size_t)len);
    return 0;
}

static void show(const char *what, const char *line, uint64_t *count)
{
    if ((*count)++ < SHOWN_MAX)
        fprintf(stderr, "bench_sweep: %s: %s\n", what, line);
}

static void check_hits(const char *expect, struct pairs *got, struct result *result)
{
    struct pairs wanted = {0};
    char *line = NULL;
    size_t cap = 0, w = 0, g = 0;
    FILE *file = fopen(expect, "r");
    if (!file)
        die(expect, strerror(errno));
    for (ssize_t len; (len = getline(&line, &cap, file)) > 0;)
        pairs_add(&wanted, line, (size_t)len - (line[len - 1] == '\n'));
    free(line);
    fclose(file);
    pairs_finish(&wanted);
    pairs_finish(got);
    while (w < wanted.count || g < got->count) {
        int order = w == wanted.count ? 1 : g == got->count ? -1 : strcmp(wanted.lines[w], got->lines[g]);
        if (order < 0)
            show("missed", wanted.lines[w], &result->missed);
        else if (order > 0)
            show("wrong", got->lines[g], &result->wrong);
        w += order <= 0;
        g += order >= 0;
    }
}

/* ---- runs ---- */

static double run(const struct sweep_set *set, const struct options *options, struct pairs *pairs,
                  struct sweep_stats *ret_stats)
{
    static uint8_t block[READ_BYTES];
    struct err err;
    double start = now_s();
    *ret_stats = (struct sweep_stats){0};
    for (int i = 0; i < options->log_count; i++) {
        struct sweep *sweep = sweep_new(set, on_hit, pairs);
        int fd = open(options->logs[i], O_RDONLY | O_CLOEXEC);
        ssize_t len = -1;
        if (!sweep || fd < 0)
            die(options->logs[i], strerror(errno));
        while ((len = read(fd, block, sizeof(block))) > 0)
            if (sweep_feed(sweep, span_of(block, (size_t)len), &err))
                die(options->logs[i], err.text);
        if (len < 0 || sweep_end(sweep, &err))
            die(options->logs[i], "read error");
        const struct sweep_stats *stats = sweep_stats(sweep);
        ret_stats->bytes += stats->bytes;
        ret_stats->lines += stats->lines;
        ret_stats->tokens += stats->tokens;
        ret_stats->lookups += stats->lookups;
        ret_stats->hits += stats->hits;
        ret_stats->lines_hit += stats->lines_hit;
        sweep_free(sweep);
        close(fd);
    }
    return now_s() - start;
}

/* Resident memory now, not at its highest: building the set is another program's work in real life. */
static long resident_kb(void)
{
    long pages = 0, resident = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (!file)
        return 0;
    if (fscanf(file, "%ld %ld", &pages, &resident) != 2)
        resident = 0;
    fclose(file);
    return resident * (sysconf(_SC_PAGESIZE) / 1024);
}

static void measure(const struct options *options, struct result *result)
{
    struct stat st;
    struct err err;
    struct sweep_set *set;
    struct pairs pairs = {0};
    int fd = compile(options->indicators, result);
    double start = now_s();
    if (fd < 0 || fstat(fd, &st) != 0)
        die("set", strerror(errno));
    result->set_bytes = (uint64_t)st.st_size;
    void *bytes = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
    if (bytes == MAP_FAILED)
        die("set", strerror(errno));
    if (sweep_set_open(span_of(bytes, (size_t)st.st_size), &set, &err))
        die("set", err.text);
    result->open_ms = (now_s() - start) * 1e3;
    result->distinct = sweep_set_count(set);
    for (int i = 0; i < options->runs; i++) {
        double seconds = run(set, options, NULL, &result->stats);
        result->mean_s += seconds / options->runs;
        if (i == 0 || seconds < result->best_s)
            result->best_s = seconds;
    }
    result->resident_kb = resident_kb();
    if (options->expect) {
        struct sweep_stats ignored;
        run(set, options, &pairs, &ignored);
        check_hits(options->expect, &pairs, result);
    }
    sweep_set_close(set);
    munmap(bytes, (size_t)st.st_size);
    close(fd);
}

static void print_text(const struct result *r, double mb)
{
    printf("indicators  %" PRIu64 " distinct, %" PRIu64 " lines refused\n", r->distinct, r->refused);
    printf("build       %.3f s\n", r->build_s);
    printf("set         %" PRIu64 " bytes\n", r->set_bytes);
    printf("open        %.3f ms\n", r->open_ms);
    printf("log         %" PRIu64 " bytes, %" PRIu64 " lines\n", r->stats.bytes, r->stats.lines);
    printf("sweep       %.0f MB/s best, %.0f mean\n", mb / r->best_s, mb / r->mean_s);
    printf("tokens      %" PRIu64 ", %" PRIu64 " look-ups\n", r->stats.tokens, r->stats.lookups);
    printf("hits        %" PRIu64 " in %" PRIu64 " lines; %" PRIu64 " missed, %" PRIu64 " wrong\n", r->stats.hits,
           r->stats.lines_hit, r->missed, r->wrong);
    printf("resident    %ld kB\n", r->resident_kb);
}

static void print_json(const struct result *r, double mb)
{
    printf("{\"indicators\":%" PRIu64 ",\"refused\":%" PRIu64 ",\"build_s\":%.3f,\"set_bytes\":%" PRIu64
           ",\"open_ms\":%.3f,\"log_bytes\":%" PRIu64 ",\"lines\":%" PRIu64
           ",\"best_mb_s\":%.0f,\"mean_mb_s\":%.0f,\"tokens\":%" PRIu64 ",\"lookups\":%" PRIu64 ",\"hits\":%" PRIu64
           ",\"lines_hit\":%" PRIu64 ",\"missed\":%" PRIu64 ",\"wrong\":%" PRIu64 ",\"resident_kb\":%ld}\n",
           r->distinct, r->refused, r->build_s, r->set_bytes, r->open_ms, r->stats.bytes, r->stats.lines,
           mb / r->best_s, mb / r->mean_s, r->stats.tokens, r->stats.lookups, r->stats.hits, r->stats.lines_hit,
           r->missed, r->wrong, r->resident_kb);
}

int main(int argc, char **argv)
{
    struct options options = {.runs = 5};
    struct result result = {0};
    int i = 1;
    for (; i < argc && argv[i][0] == '-'; i++) {
        if (strcmp(argv[i], "--json") == 0)
            options.json = true;
        else if (strcmp(argv[i], "--runs") == 0 && i + 1 < argc)
            options.runs = atoi(argv[++i]);
        else if (strcmp(argv[i], "--expect") == 0 && i + 1 < argc)
            options.expect = argv[++i];
        else
            die(argv[i], "unknown option");
    }
    if (argc - i < 2 || options.runs < 1 || (options.expect && argc - i != 2))
        die("usage", "bench_sweep [--json] [--runs N] [--expect FILE] INDICATORS.txt LOG...");
    options.indicators = argv[i];
    options.logs = argv + i + 1;
    options.log_count = argc - i - 1;
    measure(&options, &result);
    double mb = (double)result.stats.bytes / 1e6;
    if (options.json)
        print_json(&result, mb);
    else
        print_text(&result, mb);
    return result.missed || result.wrong;
}
