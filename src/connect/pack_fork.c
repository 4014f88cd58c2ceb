#include "connect/pack_internal.h"

#include <stdio.h>
#include <stdlib.h>

#include "connect/fork_hunt.h"

int branch_begin(struct unpacking *u, uint64_t index, struct err *err)
{
    struct tlog_hash hashes[TILE_WIDTH];
    struct tlog_source source;
    u->branch = calloc(1, sizeof(*u->branch));
    if (!u->branch)
        return err_memory(err);
    int rc = verify_tree_init(u->branch, span_str(u->origin), err);
    if (!rc && index > 0)
        rc = store_source(u->store, u->number, &source, err);
    for (uint64_t at = 0; !rc && at < index; at += TILE_WIDTH) {
        size_t count = index - at < TILE_WIDTH ? (size_t)(index - at) : TILE_WIDTH;
        rc = source.read(source.ctx, 0, at, count, hashes, err);
        for (size_t i = 0; !rc && i < count; i++)
            rc = verify_tree_hash(u->branch, &hashes[i], err);
    }
    return rc;
}

/* What a proven or suspected fork means for whoever unpacks it. */
static int tell(const struct log_info *log, const struct fork_found *found, struct err *err)
{
    char what[160];
    if (found->outcome == FORK_PROVEN)
        snprintf(what, sizeof(what), "a fork is proven: two versions of entry %llu are signed with its key",
                 (unsigned long long)found->index);
    else
        snprintf(what, sizeof(what), "two checkpoints of one size are signed with its key");
    return err_set(err, ERR_FORK, "%s; it is %s%s", what,
                   found->outcome == FORK_PROVEN ? "frozen from there on" : "suspended",
                   log->role == LOG_OWN ? ". It is our own: nothing more is signed with its keys; go on in a new log "
                                          "with `tongzhou init --succeeds`"
                                        : "");
}

int branch_judge(struct unpacking *u, struct err *err)
{
    struct tlog_source source = verify_tree_source(u->branch);
    struct fork_hunt hunt = {
        .source = &source, .note = buf_view(&u->note), .now_ms = (int64_t)u->options->now_s * 1000};
    struct fork_found found;
    struct log_info log;
    struct tlog_hash root;
    tlog_edge_root(&u->branch->edge, &root);
    if (u->branch->size != u->checkpoint.size || !tlog_hash_eq(&root, &u->checkpoint.root))
        return err_set(
            err, ERR_VERIFY,
            "its entries are not those that we hold, and they do not hash to its checkpoint's root: the pack "
            "was changed on its way, or damaged");
    int rc = fork_hunt(u->store, NULL, u->number, &hunt, &found, err);
    buf_done(&found.record);
    if (!rc)
        rc = store_log(u->store, u->number, &log, err);
    if (rc)
        return err_in(err, "its entries are not those that we hold, and no fork can be proven");
    u->result->forks++;
    return tell(&log, &found, err);
}
