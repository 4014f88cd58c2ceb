/* Signing requests in the name of a member that lives here. */
#include "state/author.h"
#include "state/internal.h"

int author_sign_request(struct store *store, int64_t number, struct span text, uint8_t ret_sig[ED25519_SIG],
                        struct err *err)
{
    struct log_row row;
    struct member member;
    struct arena arena;
    struct keys keys = {0};
    int rc = row_load(store, number, &row, err);
    if (!rc && row.info.role != LOG_OWN)
        rc = err_set(err, ERR_STATE, "%s does not live on this node", row.info.origin);
    if (rc)
        return rc;
    arena_init(&arena, MEMBER_ARENA_MAX);
    rc = row_member(store, &row, row.info.size, &arena, &member, err);
    if (!rc)
        rc = keys_load(store->dir, span_str(row.info.origin), &keys, err);
    if (!rc)
        rc = keys_others_in_force(store, &member, &keys, err);
    if (!rc)
        ed25519_sign(text, keys.request_seed, ret_sig);
    keys_wipe(&keys);
    arena_done(&arena);
    return rc;
}
