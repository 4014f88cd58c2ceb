/* fuzz: state */
/* libfuzzer: -detect_leaks=0 */
/*
 * A log of two bundles and a tail whose bytes a disk has changed: files, slots, rows. The input says which; they are put
 * back afterwards. Reading ends, in an error or in what was written: no other entry and no other tree is ever given out.
 */
#include <fcntl.h>

#include "fuzz_folder.h"
#include "fuzz_made.h"
#include "state/internal.h"
#include "state/mirror.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHANGES_MAX 8
#define FILES (FILE_HASHES + 2) /* a tree of this size has no higher level */

static struct store *store;
static struct made_log made;
static struct log_info made_info;

static struct change {
    int fd;
    uint64_t at;
    uint8_t was;
} changes[CHANGES_MAX];
static size_t change_count;

static void start(void)
{
    struct store_options options = {.create = true};
    struct log_new log = {.role = LOG_MIRROR, .mode = MODE_FULL};
    struct buf note;
    uint64_t count;
    int64_t number;
    fuzz_folder_make();
    made_good(store_open(fuzz_folder, &options, &store, &err));
    made_begin(&made, "peer.example", 1);
    for (int i = 0; i < 26; i++) {
        made_filler(&made, 20, 30);
        made_seal_record(&made, TLP_CLEAR, SPAN_LIT("a payload that is held"));
    }
    log.origin = span_str(made.origin);
    buf_init(&note, NOTE_MAX);
    made_note(&made, made.count, &note);
    made_good(store_begin(store, &err));
    made_good(store_log_create(store, &log, &number, &err));
    made_good(mirror_stage(store, number, made_part(&made, 0, made.count), &count, &err));
    made_good(mirror_finish(store, number, buf_view(&note), &err));
    for (size_t i = 0; i < made.count; i++)
        if (made.entry[i].sealed)
            made_good(payload_put(store, number, i, span_of(made.entry[i].salt, SEAL_SALT), made_payload(&made, i),
                                  true, &err));
    made_good(store_commit(store, &err));
    made_good(store_log(store, number, &made_info, &err));
    buf_done(&note);
}

/* ---- damage ---- */

static void damage_file(struct draw *draw)
{
    char path[PATH_MAX];
    struct stat st;
    struct change *change = &changes[change_count];
    file_path(store, made_info.hex, (int)draw_below(draw, FILES), path);
    change->fd = open(path, O_RDWR | O_CLOEXEC);
    made_check(change->fd >= 0 && fstat(change->fd, &st) == 0 && st.st_size > 0);
    change->at = draw_below(draw, (uint64_t)st.st_size);
    made_check(pread(change->fd, &change->was, 1, (off_t)change->at) == 1);
    uint8_t now = change->was ^ (uint8_t)(1 + draw_below(draw, 255));
    made_check(pwrite(change->fd, &now, 1, (off_t)change->at) == 1);
    change_count++;
}

/* Of the slot of any entry, or of a column of the log's row: taken back with the transaction. */
static void damage_row(struct draw *draw)
{
    static const char *const columns[] = {"size", "staged", "entries_end", "payload_end", "payloads", "bytes"};
    char sql[256];
    uint64_t value = 0, index = draw_below(draw, made.count);
    unsigned what = draw_u8(draw) % 8;
    for (int bytes = draw_u8(draw) % 9; bytes > 0; bytes--)
        value = value << 8 | draw_u8(draw);
    long long ref = (long long)RECORD_REF(made_info.number, index);
    if (what < 6)
        snprintf(sql, sizeof(sql), "UPDATE log SET %s = %lld", columns[what], (long long)value);
    else if (what == 6 && index < (made.count & ~(size_t)(TILE_WIDTH - 1)))
        snprintf(sql, sizeof(sql), "INSERT OR REPLACE INTO slot(ref, slot) VALUES(%lld, %lld)", ref, (long long)value);
    else if (what == 6)
        snprintf(sql, sizeof(sql), "UPDATE tail SET slot = %lld WHERE ref = %lld", (long long)value, ref);
    else
        snprintf(sql, sizeof(sql), "DELETE FROM tail WHERE ref = %lld", ref);
    made_good(db_exec(store, sql, &err));
}

static void repair(void)
{
    while (change_count > 0) {
        struct change *change = &changes[--change_count];
        made_check(pwrite(change->fd, &change->was, 1, (off_t)change->at) == 1);
        close(change->fd);
    }
}

/* ---- reading ---- */

static void read_entry(size_t index)
{
    struct buf bytes;
    struct err err = {0};
    buf_init(&bytes, ENTRY_MAX);
    int rc = store_read_entry(store, made_info.number, index, &bytes, &err);
    made_check(rc < 0 ? err.text[0] != '\0' : span_eq(buf_view(&bytes), made_entry_bytes(&made, index)));
    buf_done(&bytes);
}

/* A payload is checked by whoever is given it: here only that it has a payload's form. */
static void read_payload(size_t index)
{
    struct buf bytes;
    struct payload_item item;
    struct err err = {0};
    unsigned flags = 0;
    buf_init(&bytes, PAYLOAD_MAX + 64);
    int rc = payload_read(store, made_info.number, index, &bytes, &flags, &err);
    struct payload_reader reader = {.bundle = buf_view(&bytes)};
    if (rc == 0)
        made_check(payload_next(&reader, &item, &err) == 1 && !item.hole && reader.pos == bytes.len);
    else
        made_check(err.text[0] != '\0');
    buf_done(&bytes);
}

static void read_many(size_t first)
{
    struct buf bytes;
    struct err err = {0};
    size_t covered = 0, count = made.count - first;
    uint64_t next;
    buf_init(&bytes, PAYLOAD_BUNDLE_MAX + PAYLOAD_MAX);
    int rc = store_read_entries(store, made_info.number, first, count, &bytes, &err);
    made_check(rc == 0 || err.text[0]);
    buf_clear(&bytes);
    err = (struct err){0};
    rc = payload_read_bundle(store, made_info.number, first, count, true, &bytes, &covered, &err);
    made_check(rc < 0 ? err.text[0] != '\0' : covered <= count);
    rc = payload_next_wanted(store, made_info.number, first, &next, &err);
    made_check(rc == 0 || err.text[0]);
    buf_done(&bytes);
}

/* What it says of the root is the root, or nothing. */
static void read_tree(bool rows)
{
    struct tlog_source source;
    struct tlog_hash root;
    struct err err = {0};
    if (store_source(store, made_info.number, &source, &err) != 0)
        return;
    int rc = tlog_root(&source, made.count, &root, &err);
    if (rc == 0 && !rows && change_count == 0)
        made_check(tlog_hash_eq(&root, &made.root[made.count]));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct draw draw = {span_of(data, size)};
    bool rows = false;
    if (!store)
        start();
    unsigned count = draw_u8(&draw) % (CHANGES_MAX + 1);
    size_t first = draw_below(&draw, made.count);
    made_good(store_begin(store, &err));
    for (unsigned i = 0; i < count; i++) {
        bool row = draw_u8(&draw) % 2;
        rows |= row;
        if (row)
            damage_row(&draw);
        else
            damage_file(&draw);
    }
    for (size_t i = 0; i < made.count; i += 17)
        read_entry(i);
    read_entry(first);
    for (size_t i = 0; i < made.count; i++)
        if (made.entry[i].sealed || i == first)
            read_payload(i);
    read_many(first);
    read_tree(rows);
    store_rollback(store);
    repair();
    if (count == 0) {
        struct buf item;
        made_check(made.entry[21].sealed);
        buf_init(&item, PAYLOAD_MAX);
        made_good(payload_read(store, made_info.number, 21, &item, NULL, &err));
        made_check(span_eq(span_sub(buf_view(&item), 4 + SEAL_SALT, SIZE_MAX), made_payload(&made, 21)));
        buf_done(&item);
    }
    return 0;
}
