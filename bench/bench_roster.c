/*
 * What a large community costs the node that follows it.
 *
 *   bench_roster DIR [MEMBERS [OPERATORS [VOICES]]]
 *
 * DIR is made: an index into which the records of a community go that grows by as many lines a version as fit, until it has so
 * many members, of which so many operate a node. "history": all of it read at once. "voice": one of the endorsements
 * of a further version, each in a commit of its own (at most VOICES of them are measured); "decides": the one that brings it into
 * force. "anew": everything again from version 1, as after a fork. "walk": what a page and `community show` compute. Processor time,
 * but for the peak of memory. One JSON object on standard output.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>

#include "base/codec.h"
#include "base/sha256.h"
#include "governance/fold.h"
#include "index/index.h"

const struct capability *const capabilities[] = {&governance_capability, NULL};

#define TIME_MS INT64_C(1795346066123)

static struct err err;

static void must(int rc, const char *what)
{
    if (rc >= 0)
        return;
    fprintf(stderr, "bench_roster: %s: %s\n", what, err.text);
    exit(2);
}

static double processor_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static double peak_mb(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)usage.ru_maxrss / 1024;
}

/* ---- the community ---- */

struct town {
    struct index *index;
    struct arena batch, scratch, names;
    struct fold fold;
    const char **origin;
    uint64_t *at; /* entries of each log so far */
    size_t members, operators;
    uint8_t charter[32], first[32], tip[32];
    uint64_t number;
    size_t listed;
};

static void begin(struct town *town)
{
    sqlite3_exec(index_db(town->index), "BEGIN IMMEDIATE", NULL, NULL, NULL);
}

/* As at the end of each of the index's batches. */
static void commit(struct town *town)
{
    must(governance_flush(&town->fold, &err), "flush");
    if (sqlite3_exec(index_db(town->index), "COMMIT", NULL, NULL, NULL) != SQLITE_OK)
        must(err_set(&err, ERR_IO, "%s", sqlite3_errmsg(index_db(town->index))), "commit");
    arena_clear(&town->batch);
    town->fold.state[0] = NULL;
}

static void take(struct town *town, size_t log, struct span text)
{
    struct record record;
    arena_clear(&town->scratch);
    must(record_parse(text, &town->scratch, &record, &err), "record");
    int64_t number = (int64_t)log + 1;
    struct fold_record one = {.number = number,
                              .origin = town->origin[log],
                              .role = LOG_MIRROR,
                              .index = town->at[log],
                              .ref = RECORD_REF(number, town->at[log]),
                              .is_inline = true,
                              .shown = true,
                              .text = text,
                              .record = &record,
                              .arena = &town->scratch};
    must(governance_apply(&town->fold, &one, &err), "apply");
    town->at[log]++;
}

static void endorse(struct town *town, size_t log, const uint8_t roster[32], const uint8_t *parent)
{
    struct statement said = {.type = STATEMENT_ENDORSE, .has_parent = parent != NULL};
    struct buf text;
    memcpy(said.target, roster, 32);
    if (parent)
        memcpy(said.parent, parent, 32);
    buf_init(&text, INLINE_MAX);
    must(statement_write(&said, TIME_MS, &text, &err), "endorsement");
    take(town, log, buf_view(&text));
    buf_done(&text);
}

static void state_charter(struct town *town)
{
    static struct charter charter;
    struct buf text;
    charter_default("Bench", &charter);
    charter.endorsements = charter.sponsors = 0;
    buf_init(&text, INLINE_MAX);
    must(charter_write(&charter, TIME_MS, &text, &err), "charter");
    sha256_once(buf_view(&text), town->charter);
    take(town, 0, buf_view(&text));
    buf_done(&text);
}

/* The next version, with `count` more lines; operators are the first of all. */
static void state_version(struct town *town, size_t count, uint8_t ret[32])
{
    static struct roster_addition additions[ROSTER_CHANGES_MAX];
    struct roster_version version = {.version = town->number + 1, .has_parent = town->number > 0};
    struct buf text;
    version.additions = additions;
    version.addition_count = count;
    memcpy(version.charter, town->charter, 32);
    memcpy(version.parent, town->tip, 32);
    for (size_t i = 0; i < count; i++) {
        size_t who = town->listed + i;
        additions[i] =
            (struct roster_addition){.origin = town->origin[who],
                                     .operator= town->origin[who < town->operators ? who : who % town->operators],
                                     .class = CLASS_CIVIL};
    }
    buf_init(&text, INLINE_MAX);
    must(roster_write(&version, TIME_MS, &text, &err), "version");
    sha256_once(buf_view(&text), ret);
    take(town, 0, buf_view(&text));
    buf_done(&text);
}

static size_t voices_needed(const struct town *town)
{
    size_t operators = town->listed < town->operators ? town->listed : town->operators;
    return (size_t)community_quorum(operators);
}

static void make_history(struct town *town)
{
    uint8_t hash[32];
    state_charter(town);
    while (town->listed < town->members) {
        size_t left = town->members - town->listed, count = left < ROSTER_CHANGES_MAX ? left : ROSTER_CHANGES_MAX;
        state_version(town, count, hash);
        if (town->number == 0)
            town->listed = count; /* the founders speak for themselves */
        for (size_t i = 0; i < voices_needed(town); i++)
            endorse(town, i, hash, town->number > 0 ? town->tip : NULL);
        if (town->number == 0)
            memcpy(town->first, hash, 32);
        else
            town->listed += count;
        memcpy(town->tip, hash, 32);
        town->number++;
    }
}

static void open_town(struct town *town, const char *dir)
{
    if (mkdir(dir, 0700) != 0)
        must(err_sys(&err, "%s", dir), "folder");
    must(index_open(dir, &town->index, &err), "index");
    arena_init(&town->batch, 256u << 20);
    arena_init(&town->scratch, 64u << 20);
    arena_init(&town->names, 64u << 20);
    town->fold = (struct fold){.index = town->index, .db = index_db(town->index), .arena = &town->batch};
    town->origin = calloc(town->members + 1, sizeof(*town->origin));
    town->at = calloc(town->members + 1, sizeof(*town->at));
    must(town->origin && town->at ? 0 : err_memory(&err), "members");
    for (size_t i = 0; i <= town->members; i++) {
        char origin[ORIGIN_MAX + 1], encoded[64];
        uint8_t hash[32];
        int len = snprintf(origin, sizeof(origin), "m%05zu.example", i);
        sha256_once(span_of(origin, (size_t)len), hash);
        base32_encode(hash, sizeof(hash), encoded);
        snprintf(origin + len, sizeof(origin) - (size_t)len, "/%s", encoded);
        town->origin[i] = arena_strz(&town->names, span_str(origin));
        must(town->origin[i] ? 0 : err_memory(&err), "members");
    }
}

static int64_t version_in_force(const struct town *town)
{
    sqlite3_stmt *query;
    int64_t number = -1;
    if (sqlite3_prepare_v2(index_db(town->index), "SELECT number FROM governance_community", -1, &query, NULL) ==
            SQLITE_OK &&
        sqlite3_step(query) == SQLITE_ROW)
        number = sqlite3_column_int64(query, 0);
    sqlite3_finalize(query);
    return number;
}

/* ---- measuring ---- */

static double history(struct town *town)
{
    double before = processor_ms();
    begin(town);
    make_history(town);
    commit(town);
    return processor_ms() - before;
}

/* All but the last of those who are needed; what one costs is the mean of the first `most`. */
static double voices(struct town *town, const uint8_t next[32], size_t most, size_t *ret_measured)
{
    size_t count = voices_needed(town) - 1;
    double before = processor_ms(), measured = 0;
    *ret_measured = count < most ? count : most;
    for (size_t i = 0; i < *ret_measured; i++) {
        begin(town);
        endorse(town, i, next, town->tip);
        commit(town);
    }
    measured = processor_ms() - before;
    begin(town);
    for (size_t i = *ret_measured; i < count; i++)
        endorse(town, i, next, town->tip);
    commit(town);
    return *ret_measured > 0 ? measured / (double)*ret_measured : 0;
}

static double decide(struct town *town, const uint8_t next[32])
{
    double before = processor_ms();
    begin(town);
    endorse(town, voices_needed(town) - 1, next, town->tip);
    commit(town);
    return processor_ms() - before;
}

static double refold(struct town *town)
{
    double before = processor_ms();
    begin(town);
    must(governance_refold_all(town->index, &err), "refold");
    commit(town);
    return processor_ms() - before;
}

static double walk(const struct town *town, struct community *ret, struct arena *arena)
{
    struct community_source source = governance_source(town->index);
    double before = processor_ms();
    must(community_walk(&source, town->first, arena, ret, &err), "walk");
    return processor_ms() - before;
}

int main(int argc, char **argv)
{
    struct town town = {.members = argc > 2 ? strtoul(argv[2], NULL, 10) : 10000,
                        .operators = argc > 3 ? strtoul(argv[3], NULL, 10) : 5000};
    size_t most = argc > 4 ? strtoul(argv[4], NULL, 10) : SIZE_MAX, measured;
    struct community now;
    struct arena arena;
    uint8_t next[32];
    if (argc < 2 || argc > 5 || town.operators < 2 || town.operators > town.members ||
        town.members >= COMMUNITY_MEMBERS_MAX) {
        fprintf(stderr, "usage: bench_roster DIR [MEMBERS [OPERATORS [VOICES]]]\n");
        return 2;
    }
    open_town(&town, argv[1]);
    double history_ms = history(&town);
    begin(&town);
    state_version(&town, 1, next);
    commit(&town);
    double voice_ms = voices(&town, next, most, &measured), decides_ms = decide(&town, next);
    int64_t number = version_in_force(&town);
    double anew_ms = refold(&town), peak = peak_mb();
    arena_init(&arena, GOVERNANCE_ARENA_MAX);
    double walk_ms = walk(&town, &now, &arena);
    printf("{\"members\":%zu,\"operators\":%zu,\"version\":%lld,\"expected\":%llu,\"history_ms\":%.1f,\"voices\":%zu,"
           "\"voice_ms\":%.4f,\"decides_ms\":%.2f,\"anew_ms\":%.1f,\"walk_ms\":%.1f,\"peak_mb\":%.1f,\"walk_peak_mb\":%"
           ".1f}\n",
           now.member_count, now.operator_count, (long long)number, (unsigned long long)town.number + 1, history_ms,
           measured, voice_ms, decides_ms, anew_ms, walk_ms, peak, peak_mb());
    arena_done(&arena);
    index_close(town.index);
    return 0;
}
