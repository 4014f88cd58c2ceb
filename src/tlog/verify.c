/* Verification as RFC 9162 sections 2.1.3.2 and 2.1.4.2 put it (the trees are those of RFC 6962). */
#include "tlog/merkle.h"

#include <inttypes.h>

int tlog_verify_inclusion(uint64_t index, uint64_t size, const struct tlog_hash *leaf, const struct tlog_proof *proof,
                          const struct tlog_hash *root, struct err *err)
{
    if (index >= size)
        return err_set(err, ERR_VERIFY, "inclusion proof: entry %" PRIu64 " in a log of %" PRIu64, index, size);
    uint64_t node = index, last = size - 1;
    struct tlog_hash hash = *leaf;
    for (size_t i = 0; i < proof->count; i++) {
        if (last == 0)
            return err_set(err, ERR_VERIFY, "inclusion proof of entry %" PRIu64 " at size %" PRIu64 ": too long", index,
                           size);
        if ((node & 1) || node == last) {
            tlog_node_hash(&proof->h[i], &hash, &hash);
            /* A last node without a right sibling rises until it is a right child. */
            for (; !(node & 1) && node != 0; last >>= 1)
                node >>= 1;
        } else {
            tlog_node_hash(&hash, &proof->h[i], &hash);
        }
        node >>= 1;
        last >>= 1;
    }
    if (last != 0)
        return err_set(err, ERR_VERIFY, "inclusion proof of entry %" PRIu64 " at size %" PRIu64 ": too short", index,
                       size);
    if (!tlog_hash_eq(&hash, root))
        return err_set(err, ERR_VERIFY,
                       "inclusion proof of entry %" PRIu64 " at size %" PRIu64 ": does not lead to the root", index,
                       size);
    return 0;
}

/* Both roots that the proof leads to; false if its length does not fit. 0 < old < size. */
static bool fold_consistency(uint64_t old, uint64_t size, const struct tlog_hash *old_root,
                             const struct tlog_proof *proof, struct tlog_hash *ret_old, struct tlog_hash *ret_new)
{
    uint64_t node = old - 1, last = size - 1;
    for (; node & 1; node >>= 1)
        last >>= 1;
    /* node is 0 now if and only if the old size is a power of two: then the old root starts the path. */
    size_t next = node == 0 ? 0 : 1;
    if (proof->count < next)
        return false;
    struct tlog_hash from = node == 0 ? *old_root : proof->h[0], to = from;
    for (; next < proof->count; next++) {
        if (last == 0)
            return false;
        if ((node & 1) || node == last) {
            tlog_node_hash(&proof->h[next], &from, &from);
            tlog_node_hash(&proof->h[next], &to, &to);
            for (; !(node & 1) && node != 0; last >>= 1)
                node >>= 1;
        } else {
            tlog_node_hash(&to, &proof->h[next], &to);
        }
        node >>= 1;
        last >>= 1;
    }
    *ret_old = from;
    *ret_new = to;
    return last == 0;
}

static int inconsistent(uint64_t old, uint64_t size, const char *why, struct err *err)
{
    return err_set(err, ERR_VERIFY, "consistency proof from size %" PRIu64 " to %" PRIu64 ": %s", old, size, why);
}

int tlog_verify_consistency(uint64_t old, uint64_t size, const struct tlog_hash *old_root, const struct tlog_hash *root,
                            const struct tlog_proof *proof, struct err *err)
{
    if (old > size)
        return inconsistent(old, size, "the log became shorter", err);
    if (old == 0 || old == size) {
        struct tlog_hash empty;
        tlog_empty_root(&empty);
        if (proof->count != 0)
            return inconsistent(old, size, "must be empty", err);
        if (old == 0 && !tlog_hash_eq(old_root, &empty))
            return inconsistent(old, size, "the old root is not that of an empty log", err);
        if (old == size && !tlog_hash_eq(old_root, root))
            return inconsistent(old, size, "two roots at one size", err);
        return 0;
    }
    struct tlog_hash from, to;
    if (!fold_consistency(old, size, old_root, proof, &from, &to))
        return inconsistent(old, size, "wrong number of hashes", err);
    if (!tlog_hash_eq(&from, old_root))
        return inconsistent(old, size, "does not lead to the old root", err);
    if (!tlog_hash_eq(&to, root))
        return inconsistent(old, size, "does not lead to the new root", err);
    return 0;
}
