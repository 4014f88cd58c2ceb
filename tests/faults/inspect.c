#include "ledger.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/sha256.h"

void broken(struct ledger *ledger, const char *fmt, ...)
{
    char text[900];
    va_list list;
    va_start(list, fmt);
    vsnprintf(text, sizeof(text), fmt, list);
    va_end(list);
    snprintf(ledger->broken, sizeof(ledger->broken), "%s: %s", ledger->doing, text);
    _exit(BROKEN);
}

/* ---- heads ---- */

/* Never two roots at one size, whoever saw the first. */
static void note_root(struct ledger *ledger, struct told_log *log, const struct log_info *info)
{
    if (info->size > TOLD_ENTRIES)
        broken(ledger, "log %s: %llu entries", log->origin, (unsigned long long)info->size);
    if (info->size < log->size)
        broken(ledger, "log %s: %llu entries were shown, now there are %llu", log->origin,
               (unsigned long long)log->size, (unsigned long long)info->size);
    if (log->shown[info->size] && !tlog_hash_eq(&log->roots[info->size], &info->root))
        broken(ledger, "log %s: two roots at size %llu", log->origin, (unsigned long long)info->size);
    log->shown[info->size] = true;
    log->roots[info->size] = info->root;
}

/* The signed checkpoint holds, and every root that was ever shown is one of these entries. */
static void check_roots(struct ledger *ledger, struct store *store, struct told_log *log, const struct log_info *info,
                        struct buf *entries)
{
    struct buf text;
    struct note note;
    struct checkpoint checkpoint;
    struct arena arena;
    struct member member;
    struct tlog_edge edge;
    struct tlog_hash root;
    buf_init(&text, NOTE_MAX);
    arena_init(&arena, 8u << 20);
    must(ledger, store_checkpoint(store, info->number, &text, &err));
    must(ledger, note_parse(buf_view(&text), &note, &err));
    must(ledger, checkpoint_parse(note.text, &checkpoint, &err));
    must(ledger, store_member(store, info->number, &arena, &member, &err));
    must(ledger, member_verify_checkpoint(&member, &note, &checkpoint, &err));
    if (checkpoint.size != info->size || !tlog_hash_eq(&checkpoint.root, &info->root))
        broken(ledger, "log %s: its checkpoint is not of its head", log->origin);
    must(ledger, store_read_entries(store, info->number, 0, (size_t)info->size, entries, &err));
    tlog_edge_init(&edge);
    struct bundle_reader reader = {buf_view(entries), 0};
    struct span entry;
    struct err end;
    while (bundle_next(&reader, &entry, &end) == 1) {
        struct tlog_hash leaf;
        tlog_leaf_hash(entry, &leaf);
        tlog_edge_append(&edge, &leaf);
        tlog_edge_root(&edge, &root);
        if (log->shown[edge.size] && !tlog_hash_eq(&root, &log->roots[edge.size]))
            broken(ledger, "log %s: entries below %llu do not hash to the root that was signed", log->origin,
                   (unsigned long long)edge.size);
    }
    if (edge.size != info->size)
        broken(ledger, "log %s: %llu of %llu entries", log->origin, (unsigned long long)edge.size,
               (unsigned long long)info->size);
    struct tlog_source source;
    must(ledger, store_source(store, info->number, &source, &err));
    must(ledger, tlog_root(&source, info->size, &root, &err));
    if (!tlog_hash_eq(&root, &info->root))
        broken(ledger, "log %s: its stored hashes do not give its root", log->origin);
    arena_done(&arena);
    buf_done(&text);
}

/* ---- payloads ---- */

static void check_payload(struct ledger *ledger, struct store *store, struct told_log *log, uint64_t index,
                          struct span entry, const struct payload_item *item)
{
    struct told_entry *told = &log->entries[index];
    unsigned flags;
    unsigned long long at = index;
    must(ledger, payload_flags(store, log->number, index, &flags, &err));
    if (flags & SLOT_INLINE)
        told->state = TOLD_INLINE;
    if (!item->hole != ((flags & SLOT_HELD) && !(flags & SLOT_ERASED)))
        broken(ledger, "log %s: payload %llu is %s, its slot says %x", log->origin, at, item->hole ? "absent" : "here",
               flags);
    if (item->hole && told->state == TOLD_HELD)
        broken(ledger, "log %s: payload %llu was acknowledged and is lost", log->origin, at);
    if (told->state == TOLD_ERASED && !(flags & SLOT_ERASED))
        broken(ledger, "log %s: payload %llu was erased and may be fetched again", log->origin, at);
    if (!item->hole && (told->state == TOLD_ERASED || told->state == TOLD_DROPPED))
        broken(ledger, "log %s: payload %llu was taken away and is back", log->origin, at);
    if (flags & SLOT_ERASED && told->state != TOLD_ERASED)
        told->state = TOLD_ERASED; /* under way when the end came, and now completed */
    if (item->hole && told->state == TOLD_DROPPING)
        told->state = TOLD_DROPPED;
    if (item->hole)
        return;
    must(ledger, seal_check(span_str(log->origin), entry, item->salt, item->payload, &err));
    const char *mark = memmem(item->payload.data, item->payload.len, "MARK-", 5);
    if (!mark)
        broken(ledger, "log %s: payload %llu has no mark", log->origin, at);
    snprintf(told->mark, sizeof(told->mark), "%.*s", MARK_LEN, mark);
    told->state = TOLD_HELD; /* whatever was to become of it, it did not */
}

static void check_payloads(struct ledger *ledger, struct store *store, struct told_log *log, uint64_t from,
                           const struct log_info *info, struct buf *entries, struct buf *items)
{
    struct bundle_reader reader = {buf_view(entries), 0};
    struct span entry;
    for (uint64_t index = 0; index < from; index++)
        must(ledger, bundle_next(&reader, &entry, &err));
    while (from < info->size) {
        size_t covered = 0;
        struct payload_item item;
        buf_clear(items);
        must(ledger,
             payload_read_bundle(store, info->number, from, (size_t)(info->size - from), false, items, &covered, &err));
        struct payload_reader payloads = {buf_view(items), 0};
        for (size_t i = 0; i < covered; i++) {
            must(ledger, bundle_next(&reader, &entry, &err));
            must(ledger, payload_next(&payloads, &item, &err));
            check_payload(ledger, store, log, from + i, entry, &item);
        }
        from += covered;
    }
}

/* Counted as they are. */
static void check_counts(struct ledger *ledger, const struct told_log *log, const struct log_info *info)
{
    uint64_t held = 0;
    for (uint64_t i = 0; i < info->size; i++)
        held += log->entries[i].state == TOLD_HELD;
    if (info->payloads != held)
        broken(ledger, "log %s: counts %llu payloads, %llu are held", log->origin, (unsigned long long)info->payloads,
               (unsigned long long)held);
}

static void check_log(struct ledger *ledger, struct store *store, int which, bool all)
{
    struct told_log *log = &ledger->logs[which];
    struct log_info info;
    struct buf entries, items;
    must(ledger, store_log(store, log->number, &info, &err));
    note_root(ledger, log, &info);
    if (info.staged < log->staged)
        broken(ledger, "log %s: %llu entries were stored, now there are %llu", log->origin,
               (unsigned long long)log->staged, (unsigned long long)info.staged);
    buf_init(&entries, 64u << 20);
    buf_init(&items, 256u << 20);
    if (info.size > 0)
        check_roots(ledger, store, log, &info, &entries);
    check_payloads(ledger, store, log, all ? 0 : log->size, &info, &entries, &items);
    if (all)
        check_counts(ledger, log, &info);
    log->size = info.size;
    ledger->checked += info.size;
    buf_done(&entries);
    buf_done(&items);
}

void inspect_shown(struct ledger *ledger, struct store *store, int which)
{
    check_log(ledger, store, which, false);
}

/* ---- the recovery key in force is in one of our hands ---- */

static bool recovery_fits(const struct ledger *ledger, const char *name, unsigned number, const uint8_t hash[32])
{
    uint8_t seed[32], public_key[32], found[32];
    char path[256];
    struct err unused;
    snprintf(path, sizeof(path), "%s/safe/%.60s.recovery.%u", ledger->root, name, number);
    if (recovery_load(path, seed, &unused) != 0)
        return false;
    ed25519_keypair(seed, public_key);
    sha256_once(span_of(public_key, sizeof(public_key)), found);
    return memcmp(found, hash, 32) == 0;
}

static void check_recovery(struct ledger *ledger, struct store *store, struct told_log *log)
{
    struct arena arena;
    struct member member;
    arena_init(&arena, 8u << 20);
    must(ledger, store_member(store, log->number, &arena, &member, &err));
    unsigned number = log->recovery;
    while (number <= log->recovery_tried &&
           !recovery_fits(ledger, member.profile.name, number, member.profile.recovery_hash))
        number++;
    if (number > log->recovery_tried)
        broken(ledger, "log %s: the recovery key in force is in none of the files", log->origin);
    log->recovery = number;
    arena_done(&arena);
}

/* ---- everything ---- */

void inspect(struct ledger *ledger, struct store *store)
{
    for (int which = 0; which < TOLD_LOGS; which++) {
        struct told_log *log = &ledger->logs[which];
        struct log_info info;
        if (!log->origin[0])
            continue;
        must(ledger, store_log_by_origin(store, span_str(log->origin), &info, &err));
        if (info.number != log->number)
            broken(ledger, "log %s: has another number", log->origin);
        check_log(ledger, store, which, true);
        if (which == LOG_FIRST || which == LOG_SECOND)
            check_recovery(ledger, store, log);
    }
}

/* ---- what was erased ---- */

static struct ledger *seeking;

static void seek_marks(const char *path, const uint8_t *bytes, size_t len)
{
    const uint8_t *at = bytes, *end = bytes + len;
    while ((at = memmem(at, (size_t)(end - at), "MARK-", 5)) != NULL && end - at >= MARK_LEN) {
        for (int which = 0; which < TOLD_LOGS; which++) {
            const struct told_log *log = &seeking->logs[which];
            for (uint64_t i = 0; i < log->size; i++)
                if (log->entries[i].state == TOLD_ERASED && memcmp(log->entries[i].mark, at, MARK_LEN) == 0)
                    broken(seeking, "log %s: payload %llu was erased and is in %s at byte %zu", log->origin,
                           (unsigned long long)i, path, (size_t)(at - bytes));
        }
        at += 5;
    }
}

static int seek_file(const char *path, const struct stat *st, int type, struct FTW *where)
{
    (void)where;
    if (type != FTW_F || st->st_size == 0)
        return 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    uint8_t *bytes = malloc((size_t)st->st_size);
    ssize_t len = fd >= 0 && bytes ? pread(fd, bytes, (size_t)st->st_size, 0) : -1;
    if (len < 0)
        broken(seeking, "%s: cannot be read", path);
    seek_marks(path, bytes, (size_t)len);
    free(bytes);
    close(fd);
    return 0;
}

void inspect_erased(struct ledger *ledger)
{
    char dir[256];
    bool any = false;
    for (int which = 0; which < TOLD_LOGS; which++)
        for (uint64_t i = 0; i < ledger->logs[which].size && !any; i++)
            any = ledger->logs[which].entries[i].state == TOLD_ERASED;
    if (!any)
        return;
    seeking = ledger;
    snprintf(dir, sizeof(dir), "%s/node", ledger->root);
    if (nftw(dir, seek_file, 16, FTW_PHYS) != 0)
        broken(ledger, "%s: cannot be read", dir);
}

/* ---- restored nodes ---- */

void inspect_restored(struct ledger *ledger, const char *dir)
{
    struct store_options options = {0};
    struct store *store;
    must(ledger, store_open(dir, &options, &store, &err));
    for (int which = 0; which < TOLD_LOGS; which++) {
        struct told_log *log = &ledger->logs[which];
        struct log_info info;
        struct buf entries;
        if (!log->origin[0] || ledger->backup.sizes[which] == 0)
            continue;
        must(ledger, store_log_by_origin(store, span_str(log->origin), &info, &err));
        if (info.size < ledger->backup.sizes[which])
            broken(ledger, "restored log %s: %llu entries, the backup had %llu", log->origin,
                   (unsigned long long)info.size, (unsigned long long)ledger->backup.sizes[which]);
        buf_init(&entries, 64u << 20);
        check_roots(ledger, store, log, &info, &entries);
        buf_done(&entries);
    }
    store_close(store);
}
