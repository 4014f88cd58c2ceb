/* fuzz: connect */
/* libfuzzer: -detect_leaks=0 */
/*
 * Backups. One of a node with a log of two bundles, payloads and keys is made once; the input spoils its files and their
 * archive. As it was made it is restored in full. Whatever else is refused leaves nothing behind, whatever is restored can
 * be read to its end, and no file ever stands outside of the new folder.
 */
#include <dirent.h>

#include "connect/backup.h"
#include "connect/capability.h"
#include "fuzz_folder.h"
#include "fuzz_parts.h"
#include "state/author.h"
#include "state/mirror.h"
#include "state/payload.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

const struct capability *const capabilities[] = {&connect_capability, NULL};

static struct parts made_parts; /* of the backup as it was made */
static struct made_log made;

/* ---- the node and its backup ---- */

static void fill(struct store *store)
{
    struct log_new log = {.origin = span_str(made.origin), .role = LOG_MIRROR, .mode = MODE_FULL};
    struct buf note;
    int64_t number;
    uint64_t count;
    made_step(&made, 1, &(struct draw){0});
    for (int i = 0; i < 5; i++) {
        made_filler(&made, 100, 20);
        made_seal_record(&made, TLP_CLEAR, SPAN_LIT("a payload that is held"));
    }
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
    made_good(mirror_cosign(store, number, MADE_TIME / 1000, &err));
    buf_done(&note);
}

static void read_parts(const char *path)
{
    struct archive *archive = archive_read_new();
    struct archive_entry *entry;
    la_ssize_t got;
    made_check(archive && archive_read_support_filter_zstd(archive) == ARCHIVE_OK &&
               archive_read_support_format_tar(archive) == ARCHIVE_OK);
    made_check(archive_read_open_filename(archive, path, 65536) == ARCHIVE_OK);
    while (archive_read_next_header(archive, &entry) == ARCHIVE_OK) {
        uint8_t piece[4096];
        struct buf *bytes = parts_add(&made_parts, archive_entry_pathname(entry));
        while ((got = archive_read_data(archive, piece, sizeof(piece))) > 0)
            buf_add(bytes, piece, (size_t)got);
        made_check(got == 0);
    }
    archive_read_free(archive);
}

static void start(void)
{
    struct store_options options = {.create = true};
    struct backup_options backup = {.now_ms = MADE_TIME};
    struct backup_result result;
    struct store *store;
    struct log_info info;
    char node[PATH_MAX], recovery[PATH_MAX], path[PATH_MAX];
    fuzz_folder_make();
    fuzz_folder_path("node", node);
    fuzz_folder_path("recovery", recovery);
    fuzz_folder_path("backup", path);
    made_good(store_open(node, &options, &store, &err));
    struct author_new make = {.time_ms = MADE_TIME, .role = LOG_OWN, .is_operator = true, .recovery_path = recovery};
    strcpy(make.profile.name, "node.example");
    make.profile.class = CLASS_CIVIL;
    made_good(author_create(store, &make, &info, &err));
    made_begin(&made, "peer.example", 1);
    fill(store);
    made_good(backup_write(store, path, &backup, &result, &err));
    store_close(store);
    read_parts(path);
    fuzz_folder_empty();
}

/* ---- what came of it ---- */

static int read_log(void *ctx, const struct log_info *log, struct err *err)
{
    struct store *store = ctx;
    struct buf bytes;
    struct err none;
    size_t covered = 0;
    (void)err;
    buf_init(&bytes, PAYLOAD_BUNDLE_MAX + PAYLOAD_MAX);
    (void)store_checkpoint(store, log->number, &bytes, &none);
    buf_clear(&bytes);
    (void)store_read_entries(store, log->number, 0, (size_t)(log->size < 1000 ? log->size : 1000), &bytes, &none);
    buf_clear(&bytes);
    (void)payload_read_bundle(store, log->number, 0, (size_t)(log->size < 256 ? log->size : 256), false, &bytes,
                              &covered, &none);
    buf_done(&bytes);
    return 0;
}

static void read_node(const char *dir, bool whole)
{
    struct store_options options = {0};
    struct store *store;
    struct log_info info;
    struct buf bytes;
    struct err err = {0};
    int rc = store_open(dir, &options, &store, &err);
    made_check(rc == 0 || err.text[0]);
    if (rc)
        return;
    (void)store_logs(store, read_log, store, &err);
    if (whole) {
        buf_init(&bytes, 1u << 20);
        made_check(store_log_by_origin(store, span_str(made.origin), &info, &err) == 0);
        made_check(info.size == made.count && info.payloads == 5);
        made_check(store_read_entries(store, info.number, 0, made.count, &bytes, &err) == 0);
        made_check(span_eq(buf_view(&bytes), made_part(&made, 0, made.count)));
        buf_done(&bytes);
    }
    store_close(store);
}

static void check_names(const char *path, const char *const *allowed)
{
    DIR *folder = opendir(path);
    made_check(folder != NULL);
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        const char *const *name = allowed;
        while (*name && strcmp(*name, entry->d_name) != 0)
            name++;
        made_check(*name || strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0);
    }
    closedir(folder);
}

/* Nothing but the backup and the node, if there is one, and what belongs to a node. */
static void check_folder(const char *dir, bool restored)
{
    static const char *const outside[] = {"backup", "new", NULL};
    static const char *const inside[] = {"state.db", "state.db-wal", "state.db-shm", "logs",
                                         "payloads", "keys",         "policy.conf",  NULL};
    made_check((access(dir, F_OK) == 0) == restored);
    check_names(fuzz_folder, outside);
    if (restored)
        check_names(dir, inside);
}

static void restore(const struct parts *parts, struct span raw, bool whole, struct draw *draw)
{
    struct backup_options options = {.now_ms = MADE_TIME};
    struct backup_result result;
    struct buf bytes;
    struct err err = {0};
    char path[PATH_MAX], dir[PATH_MAX];
    buf_init(&bytes, 8u << 20);
    if (parts)
        parts_write(parts, ARCHIVE_FORMAT_TAR_PAX_RESTRICTED, ARCHIVE_FILTER_NONE, &bytes);
    else
        buf_span(&bytes, raw);
    for (; !whole && parts && draw->rest.len > 0 && draw_u8(draw) % 4 == 0;)
        draw_change(draw, bytes.data, bytes.len);
    fuzz_folder_path("backup", path);
    fuzz_folder_path("new", dir);
    fuzz_folder_write(path, buf_view(&bytes), 0600);
    int rc = backup_restore(path, dir, &options, &result, &err);
    made_check(rc == 0 || (err.text[0] && !whole));
    check_folder(dir, rc == 0);
    if (rc == 0)
        read_node(dir, whole);
    if (whole)
        made_check(result.contents == 5 && result.dropped == 0);
    buf_done(&bytes);
    fuzz_folder_empty();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct parts parts;
    struct draw draw = {span_of(data, size)};
    if (!made_parts.count)
        start();
    unsigned first = draw_u8(&draw);
    if (first == 255) {
        restore(NULL, draw.rest, false, &draw);
        return 0;
    }
    parts.count = 0;
    for (size_t i = 0; i < made_parts.count; i++)
        buf_span(parts_add(&parts, made_parts.part[i].name), buf_view(&made_parts.part[i].bytes));
    for (unsigned changes = first % 4; changes > 0; changes--)
        parts_spoil(&parts, &draw);
    restore(&parts, (struct span){0}, first % 4 == 0, &draw);
    return 0;
}
