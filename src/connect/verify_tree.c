#include "connect/verify_tree.h"

#include <stdlib.h>

#include "base/codec.h"

int verify_tree_init(struct verify_tree *tree, struct span origin, struct err *err)
{
    *tree = (struct verify_tree){0};
    tlog_edge_init(&tree->edge);
    arena_init(&tree->arena, 64u << 20);
    if (!origin_valid(origin))
        return err_set(err, ERR_SYNTAX, "no origin of a log");
    memcpy(tree->origin, origin.data, origin.len);
    return 0;
}

void verify_tree_done(struct verify_tree *tree)
{
    for (int level = 0; level < VERIFY_LEVELS; level++)
        free(tree->levels[level].hashes);
    arena_done(&tree->arena);
}

static int push(struct verify_level *level, const struct tlog_hash *hash, struct err *err)
{
    if (level->count == level->cap) {
        uint64_t cap = level->cap ? 2 * level->cap : 1024;
        struct tlog_hash *grown = realloc(level->hashes, cap * sizeof(*grown));
        if (!grown)
            return err_memory(err);
        level->hashes = grown;
        level->cap = cap;
    }
    level->hashes[level->count++] = *hash;
    return 0;
}

/* 256 hashes of one level are complete: their root is one hash of the next. */
static void subtree(const struct tlog_hash *hashes, struct tlog_hash *out)
{
    struct tlog_hash row[TILE_WIDTH];
    memcpy(row, hashes, sizeof(row));
    for (size_t width = TILE_WIDTH; width > 1; width /= 2)
        for (size_t i = 0; i < width / 2; i++)
            tlog_node_hash(&row[2 * i], &row[2 * i + 1], &row[i]);
    *out = row[0];
}

int verify_tree_add(struct verify_tree *tree, struct span entry, struct err *err)
{
    struct tlog_hash hash;
    struct err invalid = {0};
    int rc = 0;
    if (tree->size == 0)
        rc = member_begin(span_str(tree->origin), entry, &tree->arena, &tree->member, err);
    else if (entry_classify(entry) == ENTRY_INLINE && member_entry_matters(entry))
        /* An invalid rotation or profile is without effect, for everybody alike. */
        (void)member_apply(&tree->member, tree->size, entry, &tree->arena, &invalid);
    tlog_leaf_hash(entry, &hash);
    return rc ? rc : verify_tree_hash(tree, &hash, err);
}

int verify_tree_hash(struct verify_tree *tree, const struct tlog_hash *leaf, struct err *err)
{
    struct tlog_hash hash = *leaf;
    tlog_edge_append(&tree->edge, leaf);
    for (int level = 0; level < VERIFY_LEVELS; level++) {
        struct verify_level *at = &tree->levels[level];
        int rc = push(at, &hash, err);
        if (rc)
            return rc;
        if (at->count % TILE_WIDTH != 0)
            break;
        subtree(at->hashes + at->count - TILE_WIDTH, &hash);
    }
    tree->size++;
    return 0;
}

static int read_level(void *ctx, unsigned level, uint64_t first, size_t count, struct tlog_hash *out, struct err *err)
{
    const struct verify_tree *tree = ctx;
    if (level >= VERIFY_LEVELS || first > tree->levels[level].count || count > tree->levels[level].count - first)
        return err_set(err, ERR_VERIFY, "level %u: hash %llu beyond the tree", level, (unsigned long long)first);
    memcpy(out, tree->levels[level].hashes + first, count * sizeof(*out));
    return 0;
}

struct tlog_source verify_tree_source(struct verify_tree *tree)
{
    return (struct tlog_source){read_level, tree};
}

int verify_tree_compare(const struct verify_tree *tree, int level, uint64_t first, const struct tlog_hash *hashes,
                        size_t count, struct err *err)
{
    if (level >= VERIFY_LEVELS || first + count > tree->levels[level].count)
        return err_set(err, ERR_VERIFY, "level %d: hash %llu beyond the tree", level,
                       (unsigned long long)(first + count - 1));
    for (size_t i = 0; i < count; i++)
        if (!tlog_hash_eq(&tree->levels[level].hashes[first + i], &hashes[i]))
            return err_set(err, ERR_VERIFY, "level %d, hash %llu is not the hash of the entries below it", level,
                           (unsigned long long)(first + i));
    return 0;
}

/* Count the cosignatures that hold; one that a known key made and that fails rejects the note. */
static int check_cosignatures(struct store *store, const struct note *note, struct verify_result *ret, struct err *err)
{
    for (size_t i = 0; i < note->sig_count; i++) {
        struct log_info log;
        struct member member;
        struct note_key key;
        struct err unknown = {0};
        struct arena arena;
        if (span_is(note->sigs[i].name, ret->origin))
            continue;
        arena_init(&arena, 16u << 20);
        bool known = store && origin_valid(note->sigs[i].name) &&
                     store_log_by_origin(store, note->sigs[i].name, &log, &unknown) == 0 && log.size > 0 &&
                     store_member(store, log.number, &arena, &member, &unknown) == 0 &&
                     member_cosigner(&member, &key, &unknown) == 0 && key.id == note->sigs[i].id;
        int rc = known ? note_verify(note, &key, NULL, err) : 0;
        arena_done(&arena);
        if (rc < 0)
            return rc;
        ret->cosignatures += rc == 1;
        ret->cosigners_unknown += rc == 0;
    }
    return 0;
}

int verify_tree_head(struct verify_tree *tree, struct store *store, struct span text, struct verify_result *ret,
                     struct err *err)
{
    struct note note;
    struct checkpoint checkpoint;
    struct tlog_hash root;
    int rc = note_parse(text, &note, err);
    if (!rc)
        rc = checkpoint_parse(note.text, &checkpoint, err);
    if (rc)
        return rc;
    tlog_edge_root(&tree->edge, &root);
    if (!span_is(checkpoint.origin, tree->origin))
        return err_set(err, ERR_VERIFY, "the checkpoint is of another log");
    if (checkpoint.size != tree->size)
        return err_set(err, ERR_VERIFY, "the checkpoint covers %llu entries, %llu are here",
                       (unsigned long long)checkpoint.size, (unsigned long long)tree->size);
    if (!tlog_hash_eq(&checkpoint.root, &root))
        return err_set(err, ERR_VERIFY, "the entries do not hash to the checkpoint's root");
    rc = member_verify_checkpoint(&tree->member, &note, &checkpoint, err);
    ret->keys = (unsigned)tree->member.key_count;
    return rc ? rc : check_cosignatures(store, &note, ret, err);
}
