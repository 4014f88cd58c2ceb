/* A tree rebuilt entry by entry, kept at every tile level, to compare others' hashes with. */
#ifndef TONGZHOU_CONNECT_VERIFY_TREE_H
#define TONGZHOU_CONNECT_VERIFY_TREE_H

#include "connect/verify.h"

#define VERIFY_LEVELS 6 /* tile levels: 256^6 entries are more than LOG_SIZE_MAX */

struct verify_tree {
    char origin[ORIGIN_MAX + 1];
    uint64_t size;
    struct tlog_edge edge;
    struct verify_level {
        struct tlog_hash *hashes; /* complete subtrees of this level */
        uint64_t count, cap;
    } levels[VERIFY_LEVELS];
    struct member member;
    struct arena arena; /* of the member */
};

int verify_tree_init(struct verify_tree *tree, struct span origin, struct err *err);
void verify_tree_done(struct verify_tree *tree);

/* Hash an entry and fold what it says of keys. Entry 0 must fit the origin. */
int verify_tree_add(struct verify_tree *tree, struct span entry, struct err *err);

/* The hash of the next entry alone: nothing is folded. */
int verify_tree_hash(struct verify_tree *tree, const struct tlog_hash *leaf, struct err *err);

/* The tree as a source of hashes, for proofs; valid while the tree is not changed. */
struct tlog_source verify_tree_source(struct verify_tree *tree);

/* Are these the hashes [first, first + count) of a tile level? ERR_VERIFY names the first that is not. */
int verify_tree_compare(const struct verify_tree *tree, int level, uint64_t first, const struct tlog_hash *hashes,
                        size_t count, struct err *err);

/* Is this note a checkpoint of exactly this tree, signed as it must be? Counts keys and cosignatures into `ret`. `store`
 * (may be NULL) knows other members' cosigner keys. */
int verify_tree_head(struct verify_tree *tree, struct store *store, struct span note, struct verify_result *ret,
                     struct err *err);

#endif
