/* The model's insides. Only shadow.c (names, tapes, the folder) and shadow_file.c (one file's contents) include this. */
#ifndef TONGZHOU_TESTS_FAULTS_SHADOW_IMPL_H
#define TONGZHOU_TESTS_FAULTS_SHADOW_IMPL_H

#include <limits.h>

#include "rng.h"
#include "shadow.h"

/* A change of a file's contents that is not synced. */
struct change {
    enum tape_kind kind; /* TAPE_WRITE, TAPE_ZERO, TAPE_LENGTH */
    uint64_t offset;
    size_t len;
    uint8_t *bytes;
};

struct inode;
struct name {
    char text[128];
    struct inode *to;
};
struct names {
    struct name *list;
    size_t count, cap;
};

struct bytes {
    uint8_t *at;
    size_t len, cap;
};

struct inode {
    uint64_t ino;
    bool folder;
    char name[128]; /* that it was made under */
    char *at;       /* where it was put back after a power cut, NULL: not yet; a second name becomes a link */
    struct bytes synced_bytes, now_bytes;
    bool doubtful; /* a sync failed: the kernel takes what it did not write for written */
    struct change *changes;
    size_t count, change_cap;
    struct names synced, now; /* of a folder */
};

/* A change of names that is not synced. */
struct move {
    enum tape_kind kind; /* TAPE_FILE (folders too), TAPE_RENAME, TAPE_LINK, TAPE_REMOVE */
    struct inode *folder, *to_folder, *what;
    char name[128], to_name[128];
};

struct shadow {
    char root[PATH_MAX];
    const char *forget;
    struct inode **inodes;
    size_t count, cap;
    struct move *moves;
    size_t move_count, move_cap;
};

/* A list with room for one more. */
void *grow(void *list, size_t *cap, size_t count, size_t size);

void bytes_set(struct bytes *bytes, const uint8_t *from, size_t len);
void change_apply(struct bytes *bytes, const struct change *change);
void changes_forget(struct inode *inode);
void changes_apply(struct inode *inode); /* to what is synced */

/* ---- what a power cut, or a failed sync, leaves ---- */

enum temper { ALL, NONE, PREFIX, ANY }; /* how much of what was not synced arrives */

struct cut {
    uint64_t *rng;
    size_t sector;
    bool torn, garbage;
};

struct cut draw_cut(uint64_t *rng);
enum temper draw_temper(uint64_t *rng);

/* What was synced becomes what is there now. `length` UINT64_MAX: drawn, too. */
void cut_file(struct cut *cut, struct inode *inode, uint64_t length);

#endif
