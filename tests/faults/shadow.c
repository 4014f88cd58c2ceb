#include "shadow_impl.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- names ---- */

static struct name *names_find(const struct names *names, const char *text)
{
    for (size_t i = 0; i < names->count; i++)
        if (strcmp(names->list[i].text, text) == 0)
            return &names->list[i];
    return NULL;
}

static void names_set(struct names *names, const char *text, struct inode *to)
{
    struct name *name = names_find(names, text);
    if (!name) {
        names->list = grow(names->list, &names->cap, names->count, sizeof(*names->list));
        name = &names->list[names->count++];
        snprintf(name->text, sizeof(name->text), "%s", text);
    }
    name->to = to;
}

static void names_drop(struct names *names, const char *text, const struct inode *only)
{
    struct name *name = names_find(names, text);
    if (name && (!only || name->to == only))
        *name = names->list[--names->count];
}

static void names_copy(struct names *to, const struct names *from)
{
    to->count = 0;
    for (size_t i = 0; i < from->count; i++)
        names_set(to, from->list[i].text, from->list[i].to);
}

static struct inode *inode_new(struct shadow *shadow, uint64_t ino, bool folder, const char *name)
{
    struct inode *inode = calloc(1, sizeof(*inode));
    assert(inode);
    inode->ino = ino;
    inode->folder = folder;
    snprintf(inode->name, sizeof(inode->name), "%s", name);
    shadow->inodes = grow(shadow->inodes, &shadow->cap, shadow->count, sizeof(struct inode *));
    shadow->inodes[shadow->count++] = inode;
    return inode;
}

/* The latest of that number: the file system may have given it out before. */
static struct inode *inode_find(const struct shadow *shadow, uint64_t ino)
{
    for (size_t i = shadow->count; i-- > 0;)
        if (shadow->inodes[i]->ino == ino)
            return shadow->inodes[i];
    return NULL;
}

/* The folder of `path` and its last name. */
static struct inode *folder_of(const struct shadow *shadow, const char *path, const char **ret_name)
{
    struct inode *folder = shadow->inodes[0];
    const char *at = path + strlen(shadow->root);
    while (*at == '/')
        at++;
    for (const char *slash; (slash = strchr(at, '/')) != NULL; at = slash + 1) {
        char part[128];
        snprintf(part, sizeof(part), "%.*s", (int)(slash - at), at);
        const struct name *name = names_find(&folder->now, part);
        assert(name && name->to->folder);
        folder = name->to;
    }
    *ret_name = at;
    return folder;
}

/* ---- the tape ---- */

static void move_apply(const struct move *move)
{
    switch (move->kind) {
    case TAPE_RENAME:
        names_drop(&move->folder->synced, move->name, move->what);
        names_set(&move->to_folder->synced, move->to_name, move->what);
        break;
    case TAPE_LINK:
        names_set(&move->to_folder->synced, move->to_name, move->what);
        break;
    case TAPE_REMOVE:
        names_drop(&move->folder->synced, move->name, move->what);
        break;
    default:
        names_set(&move->folder->synced, move->name, move->what);
    }
}

static void move_add(struct shadow *shadow, const struct move *move)
{
    shadow->moves = grow(shadow->moves, &shadow->move_cap, shadow->move_count, sizeof(*shadow->moves));
    shadow->moves[shadow->move_count++] = *move;
}

/* NULL: of all folders. */
static void moves_sync(struct shadow *shadow, const struct inode *folder)
{
    size_t kept = 0;
    for (size_t i = 0; i < shadow->move_count; i++) {
        struct move *move = &shadow->moves[i];
        const struct inode *where = move->to_folder ? move->to_folder : move->folder;
        if (!folder || where == folder)
            move_apply(move);
        else
            shadow->moves[kept++] = *move;
    }
    shadow->move_count = kept;
}

static void play_make(struct shadow *shadow, const struct tape_entry *entry)
{
    struct move move = {.kind = TAPE_FILE};
    const char *name;
    move.folder = folder_of(shadow, (const char *)entry->bytes, &name);
    move.what = inode_new(shadow, entry->ino, entry->kind == TAPE_FOLDER, name);
    snprintf(move.name, sizeof(move.name), "%s", name);
    names_set(&move.folder->now, name, move.what);
    move_add(shadow, &move);
}

static void play_move(struct shadow *shadow, const struct tape_entry *entry)
{
    struct move move = {.kind = entry->kind};
    const char *path = (const char *)entry->bytes, *name;
    move.folder = folder_of(shadow, path, &name);
    snprintf(move.name, sizeof(move.name), "%s", name);
    const struct name *old = names_find(&move.folder->now, name);
    assert(old);
    move.what = old->to;
    if (move.kind == TAPE_RENAME || move.kind == TAPE_LINK) {
        move.to_folder = folder_of(shadow, path + strlen(path) + 1, &name);
        snprintf(move.to_name, sizeof(move.to_name), "%s", name);
    }
    if (move.kind != TAPE_LINK)
        names_drop(&move.folder->now, move.name, NULL);
    if (move.to_folder)
        names_set(&move.to_folder->now, move.to_name, move.what);
    move_add(shadow, &move);
}

#define PAGE 4096

static void play_change(struct inode *inode, const struct tape_entry *entry)
{
    struct change change = {.kind = entry->kind, .offset = entry->offset, .len = entry->len};
    if (change.kind == TAPE_ZERO) {
        uint64_t len;
        memcpy(&len, entry->bytes, sizeof(len));
        change.len = len;
    } else {
        change.bytes = (uint8_t *)(uintptr_t)entry->bytes;
    }
    change_apply(&inode->now_bytes, &change);
    if (change.kind == TAPE_WRITE) {
        /* Whole pages are written: with what else is in them, where the kernel had given that up. */
        uint64_t end = change.offset + change.len;
        if (inode->doubtful) {
            change.offset -= change.offset % PAGE;
            end += PAGE - 1 - (end - 1) % PAGE;
            end = end > inode->now_bytes.len ? inode->now_bytes.len : end;
        }
        change.len = end - change.offset;
        change.bytes = malloc(change.len);
        assert(change.bytes);
        memcpy(change.bytes, inode->now_bytes.at + change.offset, change.len);
    } else {
        change.bytes = NULL;
    }
    inode->changes = grow(inode->changes, &inode->change_cap, inode->count, sizeof(*inode->changes));
    inode->changes[inode->count++] = change;
}

static void play_sync(struct shadow *shadow, struct inode *inode)
{
    if (shadow->forget && strstr(inode->name, shadow->forget))
        return;
    if (inode->folder)
        moves_sync(shadow, inode);
    else
        changes_apply(inode);
}

/*
 * After a failed sync Linux takes the pages for clean: whatever of them did not reach the disk is never written, unless
 * somebody changes it again. The length, which is kept elsewhere, is not lost.
 */
static void play_unsync(struct inode *inode, uint64_t *rng)
{
    struct cut cut = draw_cut(rng);
    if (inode->folder)
        return;
    cut_file(&cut, inode, inode->now_bytes.len);
    inode->doubtful = true;
}

void shadow_play(struct shadow *shadow, const struct tape *tape, uint64_t *rng)
{
    const struct tape_entry *entry;
    for (size_t at = 0; (entry = tape_next(tape, &at)) != NULL;) {
        struct inode *inode = entry->ino && entry->kind > TAPE_FOLDER ? inode_find(shadow, entry->ino) : NULL;
        switch (entry->kind) {
        case TAPE_FILE:
        case TAPE_FOLDER:
            play_make(shadow, entry);
            break;
        case TAPE_RENAME:
        case TAPE_LINK:
        case TAPE_REMOVE:
            play_move(shadow, entry);
            break;
        case TAPE_SYNCFS:
            moves_sync(shadow, NULL);
            for (size_t i = 0; i < shadow->count; i++)
                changes_apply(shadow->inodes[i]);
            break;
        case TAPE_SYNC:
            assert(inode);
            play_sync(shadow, inode);
            break;
        case TAPE_UNSYNC:
            assert(inode);
            play_unsync(inode, rng);
            break;
        default:
            assert(inode);
            play_change(inode, entry);
        }
    }
}

size_t shadow_pending(const struct shadow *shadow)
{
    size_t count = shadow->move_count;
    for (size_t i = 0; i < shadow->count; i++)
        count += shadow->inodes[i]->count;
    return count;
}

/* ---- comparing ---- */

/* Written through a mapping, and made anew whenever it is opened first. */
static bool is_mapped(const char *name)
{
    size_t len = strlen(name);
    return len > 4 && strcmp(name + len - 4, "-shm") == 0;
}

static int compare_file(const struct inode *inode, const char *path, char *text, size_t size)
{
    const struct bytes *now = &inode->now_bytes;
    struct stat st = {0};
    int fd = open(path, O_RDONLY), rc = -1;
    uint8_t *bytes = fd >= 0 && fstat(fd, &st) == 0 ? malloc((size_t)st.st_size + 1) : NULL;
    if (!bytes || pread(fd, bytes, (size_t)st.st_size + 1, 0) != st.st_size || (size_t)st.st_size != now->len)
        snprintf(text, size, "%s: %lld bytes, %zu on the tapes", path, (long long)st.st_size, now->len);
    else if (memcmp(bytes, now->at, now->len) != 0)
        snprintf(text, size, "%s: other bytes than on the tapes", path);
    else
        rc = 0;
    if (fd >= 0)
        close(fd);
    free(bytes);
    return rc;
}

static int compare_folder(const struct inode *folder, const char *path, char *text, size_t size)
{
    size_t links = 2;
    for (size_t i = 0; i < folder->now.count; i++) {
        const struct name *name = &folder->now.list[i];
        char below[PATH_MAX];
        snprintf(below, sizeof(below), "%.3800s/%s", path, name->text);
        links += name->to->folder;
        if (is_mapped(name->text))
            continue;
        int rc =
            name->to->folder ? compare_folder(name->to, below, text, size) : compare_file(name->to, below, text, size);
        if (rc)
            return rc;
    }
    struct stat st;
    if (stat(path, &st) != 0 || st.st_nlink != links) {
        snprintf(text, size, "%s: folders that are on no tape, or missing", path);
        return -1;
    }
    return 0;
}

int shadow_compare(struct shadow *shadow, char *text, size_t size)
{
    return compare_folder(shadow->inodes[0], shadow->root, text, size);
}

/* ---- the cut ---- */

static void cut_moves(struct cut *cut, struct shadow *shadow)
{
    enum temper temper = draw_temper(cut->rng);
    size_t prefix = rng_below(cut->rng, shadow->move_count + 1);
    for (size_t i = 0; i < shadow->move_count; i++) {
        bool arrives = temper == ALL || (temper == PREFIX && i < prefix) || (temper == ANY && rng_one_in(cut->rng, 2));
        if (arrives)
            move_apply(&shadow->moves[i]);
    }
    shadow->move_count = 0;
}

static void fail(const char *what, const char *path)
{
    fprintf(stderr, "%s %s: %s\n", what, path, strerror(errno));
    abort();
}

static void write_file(struct inode *inode, const char *path, uint64_t *rng)
{
    if (inode->at) {
        if (link(inode->at, path) != 0)
            fail("link", path);
        return;
    }
    inode->at = strdup(path);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
    if (fd < 0)
        fail("create", path);
    struct bytes *synced = &inode->synced_bytes;
    if (is_mapped(inode->name))
        for (size_t i = 0; i < synced->len; i++)
            synced->at[i] = (uint8_t)rng_next(rng);
    bytes_set(&inode->now_bytes, synced->at, synced->len);
    inode->doubtful = false;
    if (synced->len && pwrite(fd, synced->at, synced->len, 0) != (ssize_t)synced->len)
        fail("write", path);
    struct stat st;
    if (fstat(fd, &st) != 0)
        fail("look at", path);
    inode->ino = st.st_ino;
    close(fd);
}

static void write_folder(struct inode *folder, const char *path, uint64_t *rng)
{
    struct stat st;
    if ((mkdir(path, 0700) != 0 && errno != EEXIST) || stat(path, &st) != 0)
        fail("make", path);
    folder->ino = st.st_ino;
    names_copy(&folder->now, &folder->synced);
    for (size_t i = 0; i < folder->now.count; i++) {
        char below[PATH_MAX];
        snprintf(below, sizeof(below), "%.3800s/%s", path, folder->now.list[i].text);
        if (folder->now.list[i].to->folder)
            write_folder(folder->now.list[i].to, below, rng);
        else
            write_file(folder->now.list[i].to, below, rng);
    }
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *where)
{
    (void)st, (void)type;
    return where->level == 0 ? 0 : remove(path);
}

static void inode_free(struct inode *inode)
{
    changes_forget(inode);
    free(inode->at);
    free(inode->changes);
    free(inode->synced_bytes.at);
    free(inode->now_bytes.at);
    free(inode->synced.list);
    free(inode->now.list);
    free(inode);
}

/* What no name leads to any more. */
static void mark(struct inode *folder, struct inode **list, size_t *count)
{
    list[(*count)++] = folder;
    for (size_t i = 0; i < folder->synced.count; i++) {
        struct inode *below = folder->synced.list[i].to;
        bool is_known = false; /* by another name */
        for (size_t k = 0; k < *count && !is_known; k++)
            is_known = list[k] == below;
        if (below->folder)
            mark(below, list, count);
        else if (!is_known)
            list[(*count)++] = below;
    }
}

static void sweep(struct shadow *shadow)
{
    struct inode **kept = calloc(shadow->count + 1, sizeof(*kept));
    size_t count = 0;
    assert(kept);
    mark(shadow->inodes[0], kept, &count);
    for (size_t i = 0; i < shadow->count; i++) {
        bool there = false;
        for (size_t k = 0; k < count && !there; k++)
            there = kept[k] == shadow->inodes[i];
        if (!there)
            inode_free(shadow->inodes[i]);
    }
    free(shadow->inodes);
    shadow->inodes = kept;
    shadow->cap = shadow->count + 1;
    shadow->count = count;
}

void shadow_cut(struct shadow *shadow, uint64_t *rng)
{
    struct cut cut = draw_cut(rng);
    for (size_t i = 0; i < shadow->count; i++)
        cut_file(&cut, shadow->inodes[i], UINT64_MAX);
    cut_moves(&cut, shadow);
    sweep(shadow);
    if (nftw(shadow->root, remove_one, 16, FTW_DEPTH | FTW_PHYS) != 0)
        fail("empty", shadow->root);
    write_folder(shadow->inodes[0], shadow->root, rng);
    for (size_t i = 0; i < shadow->count; i++) {
        free(shadow->inodes[i]->at);
        shadow->inodes[i]->at = NULL;
    }
}

/* ---- */

struct shadow *shadow_new(const char *root)
{
    struct shadow *shadow = calloc(1, sizeof(*shadow));
    struct stat st;
    assert(shadow);
    snprintf(shadow->root, sizeof(shadow->root), "%s", root);
    if (stat(root, &st) != 0)
        fail("look at", root);
    inode_new(shadow, st.st_ino, true, "root");
    return shadow;
}

void shadow_folder(struct shadow *shadow, const char *name)
{
    char path[PATH_MAX];
    struct stat st;
    snprintf(path, sizeof(path), "%.3800s/%s", shadow->root, name);
    if (mkdir(path, 0700) != 0 || stat(path, &st) != 0)
        fail("make", path);
    struct inode *folder = inode_new(shadow, st.st_ino, true, name);
    names_set(&shadow->inodes[0]->synced, name, folder);
    names_set(&shadow->inodes[0]->now, name, folder);
}

void shadow_forget(struct shadow *shadow, const char *name)
{
    shadow->forget = name;
}

void shadow_free(struct shadow *shadow)
{
    for (size_t i = 0; i < shadow->count; i++)
        inode_free(shadow->inodes[i]);
    free(shadow->inodes);
    free(shadow->moves);
    free(shadow);
}
