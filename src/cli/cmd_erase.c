/* tongzhou erase: take one's own word back. */
#include "cli/commands.h"
#include "cli/session.h"
#include "connect/parcels.h"
#include "record/seal.h"
#include "state/author.h"

static const struct option options[] = {
    {"alone", NULL, "do not ask peers first whether they know more of our logs", AT_MOST_ONCE},
    {0},
};

/* Together with the parcels that carry it: none of them outlives what it holds. */
static int erase_all(struct session *session, const struct log_info *log, uint64_t index, size_t *ret_parcels,
                     struct err *err)
{
    struct buf refs;
    buf_init(&refs, 64u << 20);
    buf_add(&refs, &index, sizeof index);
    int rc = parcels_carrying(session->index, log->number, index, &refs, err);
    size_t count = refs.len / sizeof index;
    uint64_t *indices = arena_array(&session->arena, count, sizeof *indices);
    if (!rc && !indices)
        rc = err_memory(err);
    if (!rc) {
        memcpy(indices, refs.data, refs.len);
        rc = author_erase_all(session->store, log->number, indices, count, cli_now_ms(), err);
    }
    *ret_parcels = count - 1;
    buf_done(&refs);
    return rc;
}

static int erase(struct invocation *inv, struct session *session)
{
    struct log_info log;
    uint64_t index, folded;
    unsigned flags = 0;
    int rc = session_record(inv, session, inv->args[0], &log, &index);
    if (rc)
        return rc;
    if (log.role != LOG_OWN && log.role != LOG_LOCAL) {
        err_set(&inv->err, ERR_REFUSED, "%s does not live on this node: only its own node takes its words back",
                log.origin);
        return cli_fail(inv);
    }
    if (payload_flags(session->store, log.number, index, &flags, &inv->err))
        return cli_fail(inv);
    if (flags & SLOT_ERASED) {
        printf("%s/%llu was erased before: nothing more to do.\n", log.origin, (unsigned long long)index);
        return EXIT_DONE;
    }
    size_t parcels;
    if (erase_all(session, &log, index, &parcels, &inv->err) ||
        index_update(session->index, session->store, 0, &folded, &inv->err))
        return cli_fail(inv);
    rc = session_forget(inv, session);
    if (rc)
        return rc;
    printf("%s/%llu is erased here. Every proof still holds%s.\n", log.origin, (unsigned long long)index,
           log.role == LOG_LOCAL ? "" : "; nodes that obey erase it when they hear of it");
    if (parcels) {
        fputs("Withdrawn with it: ", stdout);
        cli_put_counted(stdout, parcels, "parcel that carries it\n", "parcels that carry it\n");
    }
    return EXIT_DONE;
}

static int run(struct invocation *inv)
{
    struct session session;
    int status = session_open(inv, &session, SESSION_WRITE | SESSION_INDEX | SESSION_SIGN, OUTLET_CLI_LOG);
    if (!status)
        status = erase(inv, &session);
    session_close(&session);
    return status;
}

const struct command cmd_erase = {
    .name = "erase",
    .arguments = "MEMBER/INDEX",
    .summary = "Withdraw the content of one of our records",
    .details = "Content and salt are overwritten on this node and a public record asks everybody else to do the same.\n"
               "The entry stays, and so does every proof over the log.\n",
    .options = options,
    .min_args = 1,
    .max_args = 1,
    .run = run,
};
