/*
 * DIR/sweep.set: the compiled set, zeros up to a multiple of 8, and behind it struct set_key, which says of which state of
 * the index it is. It is written aside and renamed, so that who has it mapped keeps what he mapped.
 */
#include "security/query.h"
#include "security/set_current.h"
#include "security/set_key.h"
#include "state/rules.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATH_LEN_MAX 4096
#define SET_MAGIC "tongzhou set\0\0\0\3"
#define WRITE_BUFFER (1u << 20)
#define SWEEP_EXPECTED 65536 /* indicators; only a hint */
#define PROGRESS_EVERY 65536 /* values: about 30 ms */

struct intel_set {
    void *map;
    size_t map_len;
    struct sweep_set *set;
};

static void set_path(struct index *index, char out[PATH_LEN_MAX])
{
    snprintf(out, PATH_LEN_MAX, "%s/sweep.set", index_dir(index));
}

void intel_set_close(struct intel_set *set)
{
    if (!set)
        return;
    sweep_set_close(set->set);
    if (set->map)
        munmap(set->map, set->map_len);
    free(set);
}

const struct sweep_set *intel_set_sweep(const struct intel_set *set)
{
    return set->set;
}

/* ---- opening ---- */

static int map_file(int fd, const char *path, void **ret_map, size_t *ret_len, struct err *err)
{
    struct stat st;
    int rc = fstat(fd, &st) < 0 ? err_sys(err, "%s", path) : 0;
    if (rc == 0 && (st.st_size < (off_t)sizeof(struct set_key) || st.st_size % 8 != 0))
        rc = err_set(err, ERR_SYNTAX, "%s: is cut", path);
    if (rc == 0) {
        *ret_len = (size_t)st.st_size;
        *ret_map = mmap(NULL, *ret_len, PROT_READ, MAP_SHARED, fd, 0);
        if (*ret_map == MAP_FAILED)
            rc = err_sys(err, "map %s", path);
    }
    return rc;
}

static bool key_fits(const struct set_key *key, size_t file_len)
{
    return memcmp(key->magic, SET_MAGIC, sizeof(key->magic)) == 0 && key->set_len <= file_len - sizeof(*key);
}

bool set_key_read(struct index *index, struct set_key *ret)
{
    char path[PATH_LEN_MAX];
    struct stat st;
    set_path(index, path);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    bool fits = fd >= 0 && fstat(fd, &st) == 0 && st.st_size >= (off_t)sizeof(*ret) &&
                pread(fd, ret, sizeof(*ret), st.st_size - (off_t)sizeof(*ret)) == (ssize_t)sizeof(*ret) &&
                key_fits(ret, (size_t)st.st_size);
    if (fd >= 0)
        close(fd);
    return fits;
}

/* The set in the file; *ret_key says of which state of the index it is. */
static int open_file(int fd, const char *path, struct set_key *ret_key, struct intel_set **ret, struct err *err)
{
    struct intel_set *set = calloc(1, sizeof(*set));
    if (!set)
        return err_memory(err);
    int rc = map_file(fd, path, &set->map, &set->map_len, err);
    if (rc < 0) {
        set->map = NULL;
    } else {
        memcpy(ret_key, (const char *)set->map + set->map_len - sizeof(*ret_key), sizeof(*ret_key));
        if (!key_fits(ret_key, set->map_len))
            rc = err_set(err, ERR_SYNTAX, "%s: is no compiled set", path);
        else
            rc = sweep_set_open(span_of(set->map, (size_t)ret_key->set_len), &set->set, err);
    }
    if (rc < 0) {
        set->set = NULL;
        intel_set_close(set);
        return rc;
    }
    *ret = set;
    return 0;
}

/* ERR_NOTFOUND also if it is of another state of the index. */
static int open_current(struct index *index, const struct intel_set_options *options, struct intel_set **ret,
                        struct err *err)
{
    const struct policy *policy;
    struct rules_version version = {0};
    char path[PATH_LEN_MAX];
    struct set_key key;
    int64_t counter;
    set_path(index, path);
    int rc = index_counter(index, INDICATOR_COUNTER, 0, &counter, err);
    if (rc == 0 && options->store)
        rc = rules_policy(options->store, &policy, &version, err);
    if (rc < 0)
        return rc;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return err_sys(err, "%s", path);
    rc = open_file(fd, path, &key, ret, err);
    close(fd);
    if (rc == 0 && (key.counter != counter || key.policy != version.number || key.next_change_ms <= options->now_ms)) {
        intel_set_close(*ret);
        rc = err_set(err, ERR_NOTFOUND, "%s: is of another time", path);
    }
    return rc;
}

/* ---- building ---- */

struct set_writer {
    int fd;
    const char *path;
    struct buf buf;
    uint64_t len;
};

static int writer_flush(struct set_writer *writer, struct err *err)
{
    size_t done = 0;
    while (done < writer->buf.len) {
        ssize_t n = write(writer->fd, writer->buf.data + done, writer->buf.len - done);
        if (n < 0 && errno != EINTR)
            return err_sys(err, "write %s", writer->path);
        done += n > 0 ? (size_t)n : 0;
    }
    buf_clear(&writer->buf);
    return 0;
}

static int writer_add(void *ctx, struct span bytes, struct err *err)
{
    struct set_writer *writer = ctx;
    writer->len += bytes.len;
    while (bytes.len > 0) {
        struct span part = span_sub(bytes, 0, WRITE_BUFFER - writer->buf.len);
        buf_span(&writer->buf, part);
        bytes = span_sub(bytes, part.len, bytes.len);
        int rc = buf_check(&writer->buf, writer->path, err);
        if (rc == 0 && writer->buf.len == WRITE_BUFFER)
            rc = writer_flush(writer, err);
        if (rc < 0)
            return rc;
    }
    return 0;
}

static int write_set(struct set_writer *writer, struct sweep_builder *builder, struct set_key *key, struct err *err)
{
    static const uint8_t zeros[8];
    int rc = sweep_builder_write(builder, writer_add, writer, err);
    key->set_len = writer->len;
    if (rc == 0)
        rc = writer_add(writer, span_of(zeros, (8 - writer->len % 8) % 8), err);
    if (rc == 0)
        rc = writer_add(writer, span_of(key, sizeof(*key)), err);
    if (rc == 0)
        rc = writer_flush(writer, err);
    if (rc == 0 && fdatasync(writer->fd) < 0)
        rc = err_sys(err, "sync %s", writer->path);
    return rc;
}

/*
 * What writers left behind that were killed: it may hold what has been erased since. Each writer locks its file, so one that
 * can be locked is nobody's.
 */
static void remove_leftovers(struct index *index)
{
    DIR *dir = opendir(index_dir(index));
    for (struct dirent *entry; dir && (entry = readdir(dir)) != NULL;) {
        if (strncmp(entry->d_name, "sweep.set.", 10) != 0)
            continue;
        int fd = openat(dirfd(dir), entry->d_name, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
        if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0)
            unlinkat(dirfd(dir), entry->d_name, 0);
        if (fd >= 0)
            close(fd);
    }
    if (dir)
        closedir(dir);
}

/* A new file, locked. One that somebody took for a leftover before it was locked is made again. */
static int make_aside(const char *path, char *aside, size_t size, struct err *err)
{
    struct stat st = {0};
    int fd = -1;
    for (int tries = 0; tries < 16 && st.st_nlink == 0; tries++) {
        if (fd >= 0)
            close(fd);
        snprintf(aside, size, "%s.XXXXXX", path);
        fd = mkostemp(aside, O_CLOEXEC);
        if (fd < 0 || flock(fd, LOCK_EX) != 0 || fstat(fd, &st) != 0)
            break;
    }
    if (fd >= 0 && st.st_nlink > 0)
        return fd;
    err_sys(err, "make %s", aside);
    if (fd >= 0)
        close(fd);
    return -1;
}

/*
 * Write aside, rename. Opened by its descriptor: an erasure in another process may remove the file at any moment. One that
 * happened between the reading of the index and the renaming removed the file before: what was erased is in ours, so ours
 * goes, and serves only whoever asked for it.
 */
static int save_set(struct index *index, struct sweep_builder *builder, struct set_key *key, struct intel_set **ret,
                    struct err *err)
{
    char path[PATH_LEN_MAX], aside[PATH_LEN_MAX + 8];
    int64_t counter = 0;
    set_path(index, path);
    struct set_writer writer = {.fd = make_aside(path, aside, sizeof(aside), err), .path = aside};
    if (writer.fd < 0)
        return err->code;
    buf_init(&writer.buf, WRITE_BUFFER);
    int rc = write_set(&writer, builder, key, err);
    buf_done(&writer.buf);
    if (rc == 0 && rename(aside, path) < 0)
        rc = err_sys(err, "rename %s", aside);
    if (rc < 0)
        unlink(aside);
    else if ((rc = index_counter(index, INDICATOR_COUNTER, 0, &counter, err)) < 0 || counter != key->counter)
        unlink(path);
    if (rc == 0)
        rc = open_file(writer.fd, path, key, ret, err);
    /* Until now nobody takes it for a leftover. */
    close(writer.fd);
    return rc;
}

/* For progress: all values, current or not. */
static int count_values(struct index *index, uint64_t *ret, struct err *err)
{
    sqlite3_stmt *statement = index_statement(index, "SELECT count(*) FROM security_ioc", err);
    if (!statement)
        return err->code;
    int rc = index_step(index, statement, err);
    *ret = rc > 0 ? (uint64_t)sqlite3_column_int64(statement, 0) : 0;
    sqlite3_reset(statement);
    return rc < 0 ? rc : 0;
}

static int add_all(struct index *index, const struct intel_set_options *options, const struct current *current,
                   struct sweep_builder *builder, struct err *err)
{
    uint64_t done = 0, total = 0;
    int rc = options->progress ? count_values(index, &total, err) : 0;
    if (rc < 0)
        return rc;
    sqlite3_stmt *statement =
        index_statement(index, "SELECT type, value, ref FROM security_ioc ORDER BY type, value, ref", err);
    if (!statement)
        return err->code;
    while ((rc = index_step(index, statement, err)) > 0) {
        int64_t ref = sqlite3_column_int64(statement, 2);
        if (done % PROGRESS_EVERY == 0 && options->progress)
            options->progress(options->ctx, done, total);
        done++;
        if (!current_holds(current, ref))
            continue;
        struct span value = span_of(sqlite3_column_text(statement, 1), (size_t)sqlite3_column_bytes(statement, 1));
        rc = sweep_builder_add(builder, (enum ioc_type)sqlite3_column_int(statement, 0), value, (uint64_t)ref, err);
        if (rc < 0)
            break;
    }
    sqlite3_reset(statement);
    return rc < 0 ? rc : 0;
}

static int collect_set(struct index *index, const struct intel_set_options *options, struct sweep_builder *builder,
                       struct set_key *key, struct err *err)
{
    struct current current;
    int rc = snapshot_begin(index, err);
    if (rc < 0)
        return rc;
    rc = index_counter(index, INDICATOR_COUNTER, 0, &key->counter, err);
    if (rc == 0)
        rc = current_load(index, options->store, options->now_ms, &current, err);
    else
        current = (struct current){0};
    if (rc == 0)
        rc = counts_read(index, NULL, &key->counts, err);
    if (rc == 0)
        rc = add_all(index, options, &current, builder, err);
    snapshot_end(index);
    key->next_change_ms = current.next_change_ms;
    key->policy = current.policy;
    current_done(&current);
    return rc;
}

static int build_set(struct index *index, const struct intel_set_options *options, struct intel_set **ret,
                     struct err *err)
{
    struct set_key key = {.magic = SET_MAGIC};
    struct sweep_builder *builder = sweep_builder_new(SWEEP_EXPECTED);
    if (!builder)
        return err_memory(err);
    int rc = collect_set(index, options, builder, &key, err);
    if (rc == 0)
        rc = save_set(index, builder, &key, ret, err);
    sweep_builder_free(builder);
    return rc;
}

int intel_set_open(struct index *index, const struct intel_set_options *options, struct intel_set **ret,
                   struct err *err)
{
    struct err stale;
    remove_leftovers(index);
    int rc = index_refresh(index, err);
    if (rc < 0 || (rc = open_current(index, options, ret, &stale)) == 0)
        return rc;
    /* What is made now will do, even if something was folded meanwhile: a feed may write all the time. */
    rc = build_set(index, options, ret, err);
    return rc < 0 ? err_in(err, "compile the indicators") : 0;
}

/* ---- hits ---- */

int intel_hit_rows(const struct view *view, const struct sweep_hit *hit, size_t max,
                   int (*each)(void *ctx, const struct intel_row *row, struct err *err), void *ctx, size_t *ret_count,
                   struct err *err)
{
    struct asker asker;
    struct found_list list = {0};
    const struct sweep_ioc *ioc = hit->ioc;
    size_t given = 0;
    int rc = asker_init(&asker, view, err);
    for (size_t i = 0; rc >= 0 && i < ioc->tag_count; i++)
        rc = asker_add(&asker, &list, (int64_t)ioc->tags[i], err);
    found_sort(&list);
    for (size_t i = 0; rc >= 0 && i < list.count && given < max; i++) {
        struct intel_row row;
        rc = asker_row(&asker, &list.items[i], ioc->type, ioc->value, &row, err);
        if (rc > 0 && row.current) {
            given++;
            rc = each(ctx, &row, err);
        }
    }
    asker_done(&asker);
    *ret_count = given;
    return rc < 0 ? rc : 0;
}
