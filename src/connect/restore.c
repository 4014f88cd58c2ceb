#include "connect/backup.h"

#include <archive.h>
#include <archive_entry.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/json.h"
#include "connect/startcheck.h"
#include "state/disk.h"
#include "state/payload.h"

#define WORK "restoring"   /* below DIR, until everything is there and checked */
#define DIR_BYTES 4000     /* DIR (at most 3,900) and WORK */
#define MANIFEST_MAX 4096  /* bytes */
#define NAME_BYTES_MAX 400 /* of a file within a backup */
#define PATH_BYTES (DIR_BYTES + NAME_BYTES_MAX + 2)
#define DROP_MAX ((size_t)65536) /* payloads */

/* ---- out of the archive ---- */

/* backup.json, state.db, policy.conf, or logs|payloads|keys/NAME[/NAME] of harmless names: nothing leaves the folder. */
static bool name_allowed(const char *name)
{
    if (strcmp(name, "backup.json") == 0 || strcmp(name, "state.db") == 0 || strcmp(name, "policy.conf") == 0)
        return true;
    if (strncmp(name, "logs/", 5) != 0 && strncmp(name, "payloads/", 9) != 0 && strncmp(name, "keys/", 5) != 0)
        return false;
    int slashes = 0;
    for (const char *at = name; *at; at++) {
        slashes += *at == '/';
        if (*at == '/' && (at[1] == '.' || at[1] == '/' || at[1] == '\0'))
            return false;
        if ((unsigned char)*at < '!' || (unsigned char)*at > '~')
            return false;
    }
    return slashes <= 2 && strlen(name) < NAME_BYTES_MAX;
}

static int make_folders(const char *work, char *whole, struct err *err)
{
    for (char *at = whole + strlen(work) + 1; *at; at++) {
        if (*at != '/')
            continue;
        *at = '\0';
        bool failed = mkdir(whole, 0700) != 0 && errno != EEXIST;
        int rc = failed ? err_sys(err, "%s", whole) : 0;
        *at = '/';
        if (rc)
            return rc;
    }
    return 0;
}

/* Is it our disk that failed, or the backup that is damaged? */
static int read_failed(struct archive *archive, const char *name, struct err *err)
{
    int number = archive_errno(archive);
    const char *why = archive_error_string(archive) ? archive_error_string(archive) : "ends too soon";
    errno = number;
    if (number == ENOSPC || number == EDQUOT || number == EFBIG || number == EIO)
        return err_sys(err, "%s: write", name);
    return err_set(err, ERR_SYNTAX, "%s: cut short or damaged: %s", name, why);
}

static int take_file(struct archive *archive, struct archive_entry *entry, const char *work, struct backup_result *ret,
                     struct err *err)
{
    char whole[PATH_BYTES];
    const char *name = archive_entry_pathname(entry);
    if (!name || archive_entry_filetype(entry) != AE_IFREG || archive_entry_hardlink(entry) || !name_allowed(name))
        return err_set(err, ERR_SYNTAX, "holds a file that has no place in a backup");
    snprintf(whole, sizeof(whole), "%s/%s", work, name);
    int rc = make_folders(work, whole, err);
    if (rc)
        return rc;
    int fd = open(whole, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return errno == EEXIST ? err_set(err, ERR_SYNTAX, "holds %s twice", name) : err_sys(err, "%s", whole);
    if (archive_read_data_into_fd(archive, fd) != ARCHIVE_OK)
        rc = read_failed(archive, name, err);
    off_t size = lseek(fd, 0, SEEK_END);
    if (close(fd) != 0 && !rc)
        rc = err_sys(err, "%s", whole);
    ret->files++;
    ret->bytes += size > 0 ? (uint64_t)size : 0;
    return rc;
}

static int take_manifest(struct archive *archive, struct archive_entry *entry, struct err *err)
{
    char text[MANIFEST_MAX];
    const char *name = archive_entry_pathname(entry);
    if (!name || strcmp(name, "backup.json") != 0)
        return err_set(err, ERR_SYNTAX, "is no backup: it does not begin with backup.json");
    la_ssize_t len = archive_read_data(archive, text, sizeof(text));
    if (len < 0)
        return read_failed(archive, name, err);
    json_t *manifest = json_small_load(span_of(text, (size_t)len), err);
    if (!manifest)
        return err_in(err, "backup.json");
    const json_t *format = json_object_get(manifest, "format");
    json_int_t number = json_is_integer(format) ? json_integer_value(format) : 0;
    json_decref(manifest);
    if (number < 1)
        return err_set(err, ERR_SYNTAX, "backup.json: names no format");
    if (number != BACKUP_FORMAT)
        return err_set(err, ERR_STATE, "backup format %lld, this program reads %d: use a newer one", (long long)number,
                       BACKUP_FORMAT);
    return 0;
}

static int take_all(struct archive *archive, const char *work, uint64_t size, const struct backup_options *options,
                    struct backup_result *ret, struct err *err)
{
    struct archive_entry *entry;
    for (bool first = true;; first = false) {
        int rc = archive_read_next_header(archive, &entry);
        if (rc == ARCHIVE_EOF && !first)
            return 0;
        if (rc != ARCHIVE_OK)
            return read_failed(archive, "the backup", err);
        rc = first ? take_manifest(archive, entry, err) : take_file(archive, entry, work, ret, err);
        if (rc)
            return rc;
        if (options->progress)
            options->progress(options->ctx, (uint64_t)archive_filter_bytes(archive, -1), size);
    }
}

static int unpack(const char *path, const char *work, const struct backup_options *options, struct backup_result *ret,
                  struct err *err)
{
    struct stat st;
    if (stat(path, &st) != 0)
        return err_sys(err, "open");
    struct archive *archive = archive_read_new();
    if (!archive)
        return err_memory(err);
    archive_read_support_filter_zstd(archive);
    archive_read_support_format_tar(archive);
    int rc = archive_read_open_filename(archive, path, 1 << 18) == ARCHIVE_OK
                 ? take_all(archive, work, (uint64_t)st.st_size, options, ret, err)
                 : err_set(err, ERR_SYNTAX, "%s", archive_error_string(archive));
    archive_read_free(archive);
    /* One for all: a sync a file would take minutes where there are ten thousand logs. */
    int fd = rc ? -1 : open(work, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (!rc && (fd < 0 || syncfs(fd) != 0))
        rc = err_sys(err, "%s: sync", work);
    if (fd >= 0)
        close(fd);
    return rc;
}

/* ---- what was erased while the backup was made ---- */

struct checking {
    struct store *store;
    struct backup_result *result;
    struct buf entries, items;
    int64_t *numbers;
    size_t count, cap;
    int64_t *drop; /* refs whose payload does not fit its seal */
    size_t drop_count;
};

static int note_number(void *ctx, const struct log_info *log, struct err *err)
{
    struct checking *c = ctx;
    if (c->count == c->cap) {
        size_t cap = c->cap ? 2 * c->cap : 64;
        int64_t *grown = realloc(c->numbers, cap * sizeof(*grown));
        if (!grown)
            return err_memory(err);
        c->numbers = grown;
        c->cap = cap;
    }
    c->numbers[c->count++] = log->number;
    return 0;
}

static int check_some(struct checking *c, const struct log_info *log, uint64_t first, size_t *count, struct err *err)
{
    size_t covered = 0;
    buf_clear(&c->entries);
    buf_clear(&c->items);
    int rc = payload_read_bundle(c->store, log->number, first, *count, false, &c->items, &covered, err);
    if (!rc)
        rc = store_read_entries(c->store, log->number, first, covered, &c->entries, err);
    struct bundle_reader entries = {.bundle = buf_view(&c->entries)};
    struct payload_reader items = {.bundle = buf_view(&c->items)};
    for (size_t i = 0; i < covered && !rc; i++) {
        struct span entry;
        struct payload_item item;
        struct err wrong = {0};
        if (bundle_next(&entries, &entry, err) < 0 || payload_next(&items, &item, err) < 0)
            return err->code;
        if (item.hole)
            continue;
        c->result->contents++;
        if (seal_check(span_str(log->origin), entry, item.salt, item.payload, &wrong) == 0)
            continue;
        if (c->drop_count == DROP_MAX)
            return err_set(err, ERR_VERIFY, "%s: more than %zu contents do not fit their seals: the backup is damaged",
                           log->origin, DROP_MAX);
        c->drop[c->drop_count++] = RECORD_REF(log->number, first + i);
    }
    *count = covered;
    return rc;
}

static int check_log(struct checking *c, int64_t number, struct err *err)
{
    struct log_info log;
    int rc = store_log(c->store, number, &log, err);
    for (uint64_t at = 0; !rc && log.payloads > 0 && at < log.size;) {
        size_t count = TILE_WIDTH - at % TILE_WIDTH;
        if (count > log.size - at)
            count = (size_t)(log.size - at);
        rc = check_some(c, &log, at, &count, err);
        at += count;
    }
    return rc;
}

static int check_contents(struct store *store, struct backup_result *result, struct err *err)
{
    struct checking c = {.store = store, .result = result, .drop = malloc(DROP_MAX * sizeof(*c.drop))};
    if (!c.drop)
        return err_memory(err);
    buf_init(&c.entries, BUNDLE_MAX);
    buf_init(&c.items, PAYLOAD_BUNDLE_MAX + PAYLOAD_MAX + 65536);
    int rc = store_logs(store, note_number, &c, err);
    for (size_t i = 0; i < c.count && !rc; i++)
        rc = check_log(&c, c.numbers[i], err);
    for (size_t i = 0; i < c.drop_count && !rc; i++)
        rc = payload_erase(store, RECORD_REF_LOG(c.drop[i]), RECORD_REF_INDEX(c.drop[i]), err);
    result->dropped = c.drop_count;
    free(c.drop);
    free(c.numbers);
    buf_done(&c.entries);
    buf_done(&c.items);
    return rc;
}

/* Peers' cursors into what this node was are void: it may have known more than the backup does. */
static int make_ready(const char *work, int64_t now_ms, struct backup_result *result, struct err *err)
{
    struct store_options options = {0};
    struct store *store;
    int rc = store_open(work, &options, &store, err);
    if (rc)
        return rc == ERR_NOTFOUND ? err_set(err, ERR_SYNTAX, "holds no state.db") : rc;
    rc = store_renew(store, err);
    if (!rc)
        rc = start_check_restored(store, now_ms, err);
    if (!rc)
        rc = check_contents(store, result, err);
    store_close(store);
    return rc;
}

/* ---- the folder ---- */

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *where)
{
    (void)st;
    (void)type;
    (void)where;
    return remove(path);
}

static void remove_tree(const char *path)
{
    nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* DIR, made with its parents, or empty but for what an attempt that was cut off has left. *ret_made: not there before. */
static int prepare(const char *dir, const char *work, bool *ret_made, struct err *err)
{
    char path[PATH_BYTES];
    snprintf(path, sizeof(path), "%s", dir);
    *ret_made = access(dir, F_OK) != 0;
    for (char *slash = strchr(path + 1, '/'); *ret_made; slash = strchr(slash + 1, '/')) {
        if (slash)
            *slash = '\0';
        if (mkdir(path, 0700) != 0 && errno != EEXIST)
            return err_sys(err, "%s", path);
        if (!slash)
            break;
        *slash = '/';
    }
    DIR *folder = opendir(dir);
    if (!folder)
        return err_sys(err, "%s", dir);
    bool other = false;
    for (struct dirent *entry; !other && (entry = readdir(folder)) != NULL;)
        other = strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 && strcmp(entry->d_name, WORK) != 0;
    closedir(folder);
    if (other)
        return err_set(err, ERR_EXISTS, "%s: must be a new or empty folder", dir);
    remove_tree(work);
    return mkdir(work, 0700) == 0 ? 0 : err_sys(err, "%s", work);
}

/* state.db last: with it there is a node. So what it stands for has its place durably before. */
static int move_up(const char *dir, const char *work, struct err *err)
{
    static const char *const names[] = {"policy.conf", "keys", "payloads", "logs", "state.db-wal", "state.db"};
    char from[PATH_BYTES], to[PATH_BYTES];
    size_t count = sizeof(names) / sizeof(*names);
    int rc = 0;
    for (size_t i = 0; i < count && !rc; i++) {
        snprintf(from, sizeof(from), "%s/%s", work, names[i]);
        snprintf(to, sizeof(to), "%s/%s", dir, names[i]);
        if (i + 1 == count)
            rc = disk_sync_folder(dir, err);
        if (!rc && rename(from, to) != 0 && errno != ENOENT)
            rc = err_sys(err, "%s", to);
    }
    return rc ? rc : disk_sync_folder(dir, err);
}

int backup_restore(const char *path, const char *dir, const struct backup_options *options, struct backup_result *ret,
                   struct err *err)
{
    char work[DIR_BYTES];
    bool made = false;
    *ret = (struct backup_result){0};
    if (access(path, R_OK) != 0)
        return err_sys(err, "%s", path);
    if (strlen(dir) == 0 || strlen(dir) > 3900)
        return err_set(err, ERR_USAGE, "folder name of %zu bytes, 1..3900 allowed", strlen(dir));
    snprintf(work, sizeof(work), "%s/%s", dir, WORK);
    int rc = prepare(dir, work, &made, err);
    if (rc)
        return rc;
    rc = unpack(path, work, options, ret, err);
    if (!rc)
        rc = make_ready(work, options->now_ms, ret, err);
    if (rc)
        err_in(err, "%s", path);
    else
        rc = move_up(dir, work, err);
    remove_tree(work);
    if (rc && made)
        rmdir(dir);
    return rc;
}
