/*
 * How long a preview takes that asks about every member that is known: who gets a draft, by which rule, who not and why.
 *
 *   bench_preview DIR [MEMBERS]
 *
 * DIR is made: a node that mirrors so many logs, of which each has its profile alone, with a group of all of them. "cold" is the
 * first preview of a process, nothing read so far; "warm" the middle one of some in one process, by
 * the clock; "processor" what one of them takes of the processor, which a busy machine does not change. One JSON object on standard output.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "connect/preview.h"
#include "governance/group.h"
#include "index/index.h"
#include "state/author.h"
#include "state/keys.h"
#include "state/rules.h"
#include "tlog/checkpoint.h"

#define ROUNDS 15

static struct err err;

static void must(int rc, const char *what)
{
    if (rc >= 0)
        return;
    fprintf(stderr, "bench_preview: %s: %s\n", what, err.text);
    exit(2);
}

static double now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static double processor_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static int64_t clock_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* ---- the node ---- */

static const char *const countries[] = {"DE", "FR", "CN", "BR", "KE", "IN"};
static const char *const fields[] = {"energy", "health", "finance", "water"};

static void make_log(struct store *store, size_t i, char origin[ORIGIN_MAX + 1])
{
    struct keys keys;
    struct profile profile = {.class = (enum member_class)(i % 4)};
    struct buf text, note;
    struct note_signer signer;
    const struct note_signer *signers[] = {&signer};
    struct tlog_hash root;
    uint64_t size;
    int64_t number;
    buf_init(&text, INLINE_MAX);
    buf_init(&note, NOTE_MAX);
    keys_make(&keys);
    snprintf(profile.name, sizeof(profile.name), "member%zu.example", i);
    snprintf(profile.jurisdiction, sizeof(profile.jurisdiction), "%s", countries[i % 6]);
    snprintf(profile.sectors.item[profile.sectors.count++], MEMBER_WORD_MAX, "%s", fields[i % 4]);
    keys_publish(&keys, &profile);
    memset(profile.recovery_hash, 7, sizeof(profile.recovery_hash));
    must(profile_write(&profile, clock_ms(), &text, &err), "profile");
    must(origin_make(span_str(profile.name), buf_view(&text), origin, &err), "origin");
    struct log_new make = {.origin = span_str(origin), .role = LOG_MIRROR, .mode = MODE_FULL, .followed = true};
    struct store_entry entry = {.entry = buf_view(&text)};
    must(store_log_create(store, &make, &number, &err), "log");
    must(store_add(store, number, &entry, 1, &err), "entry");
    must(store_staged_root(store, number, &size, &root, &err), "root");
    must(note_signer_make(&signer, span_str(origin), NOTE_ED25519, keys.log_seed, &err), "signer");
    must(checkpoint_sign(span_str(origin), size, &root, signers, 1, &note, &err), "note");
    must(store_set_head(store, number, buf_view(&note), &err), "head");
    buf_done(&text);
    buf_done(&note);
}

static void make_group(struct store *store, const struct log_info *own, const char **members, size_t count)
{
    struct group group = {.members = members, .count = count};
    struct buf text;
    uint64_t index;
    snprintf(group.name, sizeof(group.name), "all");
    buf_init(&text, PAYLOAD_MAX);
    must(group_write(&group, TLP_CLEAR, clock_ms(), &text, &err), "group");
    struct author_item item = {buf_view(&text), true};
    must(author_append(store, own->number, &item, 1, clock_ms(), &index, &err), "group");
    buf_done(&text);
}

static void make_node(const char *dir, size_t count)
{
    struct store *store;
    struct index *index;
    struct log_info own;
    char recovery[4096];
    struct store_options options = {.create = true};
    struct author_new make = {.time_ms = clock_ms(), .role = LOG_OWN, .is_operator = true, .recovery_path = recovery};
    const char **members = calloc(count, sizeof(*members));
    snprintf(recovery, sizeof(recovery), "%s.recovery", dir);
    snprintf(make.profile.name, sizeof(make.profile.name), "author.example");
    must(members ? 0 : err_memory(&err), "members");
    must(store_open(dir, &options, &store, &err), "open");
    author_allow(store);
    must(author_create(store, &make, &own, &err), "author");
    must(store_begin(store, &err), "begin");
    for (size_t i = 0; i < count; i++) {
        char origin[ORIGIN_MAX + 1];
        make_log(store, i, origin);
        members[i] = strdup(origin);
    }
    must(store_commit(store, &err), "commit");
    make_group(store, &own, members, count < GROUP_MEMBERS_MAX ? count : GROUP_MEMBERS_MAX);
    must(index_open(dir, &index, &err), "index");
    must(index_update(index, store, 0, NULL, &err), "index");
    index_close(index);
    store_close(store);
    for (size_t i = 0; i < count; i++)
        free((void *)(uintptr_t)members[i]);
    free(members);
}

/* ---- a policy, a draft ---- */

/* A thousand rules that look at who asks, of which the last lets most pass. */
static void write_policy(const char *dir, bool is_long)
{
    char path[4096];
    snprintf(path, sizeof(path), "%s/policy.conf", dir);
    FILE *file = fopen(path, "w");
    if (!file)
        exit(2);
    for (size_t i = 0; is_long && i < 999; i++)
        fprintf(
            file,
            "refuse share kind security/* to-class %s to-jurisdiction %s to-sector %s size > %zukB reason \"ours\"\n",
            i % 2 ? "state" : "private", countries[i % 6], fields[i % 4], 1 + i);
    fputs("share\n", file);
    fclose(file);
}

static void write_draft(const struct log_info *own, enum tlp tlp, bool to_group, struct buf *out)
{
    char group[ORIGIN_MAX + 8];
    snprintf(group, sizeof(group), "%s#all", own->origin);
    struct span to = span_str(group);
    struct record_draft draft = {.kind = "security/note",
                                 .time_ms = clock_ms(),
                                 .tlp = tlp,
                                 .to = &to,
                                 .to_count = to_group,
                                 .body = SPAN_LIT("a note\n")};
    must(record_write(&draft, out, &err), "draft");
}

/* ---- measuring ---- */

static int compare_times(const void *a, const void *b)
{
    double left = *(const double *)a, right = *(const double *)b;
    return left < right ? -1 : left > right;
}

static size_t preview_once(struct store *store, struct index *index, enum tlp tlp, bool to_group)
{
    struct view view;
    struct log_info own;
    struct preview preview;
    struct arena arena;
    struct buf text;
    arena_init(&arena, 256u << 20);
    buf_init(&text, PAYLOAD_MAX);
    must(store_operator(store, &own, &err), "operator");
    write_draft(&own, tlp, to_group, &text);
    must(view_open(store, index, (struct viewer){.class = VIEWER_OPERATOR}, OUTLET_PREVIEW, &view, &err), "view");
    struct preview_draft draft = {.view = &view, .author = &own, .text = buf_view(&text), .now_ms = clock_ms()};
    must(preview_make(&draft, &arena, &preview, &err), "preview");
    buf_done(&text);
    size_t gets = preview.gets;
    arena_done(&arena);
    return gets;
}

static void measure(const char *dir, const char *name, bool is_long, enum tlp tlp, bool to_group)
{
    struct store *store;
    struct index *index;
    bool changed;
    struct store_options options = {0};
    double times[ROUNDS], begun, processor;
    write_policy(dir, is_long);
    must(store_open(dir, &options, &store, &err), "open");
    must(rules_adopt(store, clock_ms(), NULL, &changed, &err), "policy");
    store_close(store);
    must(store_open(dir, &options, &store, &err), "open");
    must(index_open(dir, &index, &err), "index");
    begun = now_ms();
    size_t gets = preview_once(store, index, tlp, to_group);
    double cold = now_ms() - begun;
    processor = processor_ms();
    for (size_t i = 0; i < ROUNDS; i++) {
        begun = now_ms();
        (void)preview_once(store, index, tlp, to_group);
        times[i] = now_ms() - begun;
    }
    processor = (processor_ms() - processor) / ROUNDS;
    qsort(times, ROUNDS, sizeof(times[0]), compare_times);
    printf("\"%s\":{\"gets\":%zu,\"cold_ms\":%.1f,\"warm_ms\":%.1f,\"processor_ms\":%.1f}", name, gets, cold,
           times[ROUNDS / 2], times[0]);
    index_close(index);
    store_close(store);
}

int main(int argc, char **argv)
{
    size_t members = argc > 2 ? (size_t)strtoul(argv[2], NULL, 10) : 10000;
    if (argc < 2)
        return 2;
    make_node(argv[1], members);
    printf("{\"members\":%zu,", members);
    measure(argv[1], "clear", false, TLP_CLEAR, false);
    putchar(',');
    measure(argv[1], "group", false, TLP_AMBER, true);
    putchar(',');
    measure(argv[1], "clear_rules", true, TLP_CLEAR, false);
    putchar(',');
    measure(argv[1], "group_rules", true, TLP_AMBER, true);
    puts("}");
    return 0;
}
