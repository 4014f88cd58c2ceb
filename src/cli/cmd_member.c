/* tongzhou member add, list, export, move: members who live on this node without running one. */
#include <stdlib.h>
#include <unistd.h>

#include "cli/commands.h"
#include "cli/profile.h"
#include "cli/session.h"
#include "connect/pack.h"
#include "connect/startcheck.h"
#include "state/author.h"
#include "state/peers.h"

/* ---- add ---- */

static const struct option add_options[] = {
    PROFILE_OPTIONS,
    {"recovery-out", "FILE", "where its recovery key goes (default NAME.recovery in this folder)", AT_MOST_ONCE},
    {"alone", NULL, "do not ask peers first whether they know more of our logs", AT_MOST_ONCE},
    {0},
};

static int add(struct invocation *inv, struct session *session, const struct profile *profile, const char *recovery)
{
    struct log_info host, log;
    struct author_new make = {.profile = *profile, .time_ms = cli_now_ms(), .role = LOG_OWN, .recovery_path = recovery};
    if (store_operator(session->store, &host, &inv->err))
        return cli_fail(inv);
    snprintf(make.profile.host, sizeof(make.profile.host), "%s", host.origin);
    if (author_create(session->store, &make, &log, &inv->err))
        return cli_fail(inv);
    printf("%s lives on this node now. Write for it with --as %s.\n"
           "Its recovery key is in %s: hand it over to the member and keep no copy.\n",
           log.origin, make.profile.name, make.recovery_path);
    return EXIT_DONE;
}

static int run_add(struct invocation *inv)
{
    struct session session;
    struct profile profile = {0};
    char recovery[PROFILE_RECOVERY_MAX];
    int status = profile_options(inv, &profile);
    if (!status)
        status = profile_recovery(inv, &profile, recovery);
    if (status)
        return status;
    status = session_open(inv, &session, SESSION_WRITE | SESSION_SIGN, OUTLET_CLI_LOG);
    if (!status)
        status = add(inv, &session, &profile, recovery);
    session_close(&session);
    return status;
}

const struct command cmd_member_add = {
    .name = "member add",
    .arguments = "",
    .summary = "Let another member live on this node, with a log and keys of its own",
    .options = add_options,
    .max_args = 0,
    .run = run_add,
};

/* ---- list ---- */

static int print_member(void *ctx, const struct log_info *log, struct err *err)
{
    (void)ctx;
    (void)err;
    if (log->role != LOG_OWN && log->role != LOG_MOVED)
        return 0;
    printf("%s  ", log->origin);
    cli_put_counted(stdout, log->size, "entry", "entries");
    printf("  %s\n", log->is_operator ? "operator" : log->role == LOG_OWN ? "hosted" : "moved away");
    return 0;
}

static int run_list(struct invocation *inv)
{
    struct session session;
    int status = session_open(inv, &session, 0, OUTLET_CLI_LOG);
    if (!status && view_logs(&session.view, print_member, NULL, &inv->err))
        status = cli_fail(inv);
    session_close(&session);
    return status;
}

const struct command cmd_member_list = {
    .name = "member list",
    .arguments = "",
    .summary = "List the members that live on this node",
    .max_args = 0,
    .run = run_list,
};

/* ---- export ---- */

static int set_role(struct invocation *inv, struct session *session, struct log_info *log, enum log_role role)
{
    int rc = store_begin(session->store, &inv->err);
    if (rc)
        return rc;
    rc = store_log(session->store, log->number, log, &inv->err);
    log->role = role;
    if (!rc)
        rc = store_log_update(session->store, log, &inv->err);
    if (!rc)
        return store_commit(session->store, &inv->err);
    store_rollback(session->store);
    return rc;
}

static int find_feed(void *ctx, const struct feed *feed, struct err *err)
{
    const struct log_info *log = ctx;
    return feed->log_number == log->number
               ? err_set(err, ERR_STATE, "%s writes into the log of %s: first `tongzhou feed remove %s`", feed->url,
                         log->origin, feed->url)
               : 0;
}

/* A hosted member's; or one whose export was cut off: then its keys are here still. */
static int may_leave(struct invocation *inv, struct session *session, struct log_info *log)
{
    struct keys keys;
    struct err gone = {0};
    if (log->is_operator)
        return err_set(&inv->err, ERR_REFUSED, "%s is this node's operator: it moves with `tongzhou backup`",
                       log->origin);
    bool left = log->role == LOG_MOVED && keys_load(inv->dir, span_str(log->origin), &keys, &gone) == 0;
    if (left)
        keys_wipe(&keys);
    if (log->role != LOG_OWN && !left)
        return err_set(&inv->err, ERR_REFUSED, "%s is no hosted member of this node", log->origin);
    return feed_each(session->store, find_feed, log, &inv->err);
}

/*
 * 1. We sign for it no more, so that what is packed is all of it. 2. The pack, durable. 3. Our keys go. Cut off anywhere, the
 * keys are here or in the pack, nobody signs, and the command goes on with another file; `member move` takes it back.
 */
static int give_away(struct invocation *inv, struct session *session, struct log_info *log)
{
    struct pack_options pack_options = {.numbers = &log->number,
                                        .number_count = 1,
                                        .payloads_newest = UINT64_MAX,
                                        .now_ms = cli_now_ms(),
                                        .keys_dir = inv->dir};
    struct pack_result result;
    struct err packed = {0};
    if (access(inv->args[1], F_OK) == 0) {
        err_set(&inv->err, ERR_EXISTS, "%s is there already, and may hold the only keys of a member: name another file",
                inv->args[1]);
        return cli_fail(inv);
    }
    if (may_leave(inv, session, log) || set_role(inv, session, log, LOG_MOVED))
        return cli_fail(inv);
    if (pack_write(&session->view, inv->args[1], &pack_options, &result, &packed)) {
        if (set_role(inv, session, log, LOG_OWN) == 0)
            inv->err = packed;
        return cli_fail(inv);
    }
    if (keys_remove(inv->dir, span_str(log->origin), &inv->err))
        return cli_fail(inv);
    printf("%s: ", inv->args[1]);
    cli_put_counted(stdout, result.entries, "entry, ", "entries, ");
    cli_put_counted(stdout, result.payloads, "content", "contents");
    printf(" and the keys of %s.\n"
           "This node mirrors it from now on and signs for it no more. On its new node: tongzhou member move %s\n",
           log->origin, inv->args[1]);
    return EXIT_DONE;
}

static int run_export(struct invocation *inv)
{
    struct session session;
    struct log_info log;
    int status = session_open(inv, &session, SESSION_WRITE | SESSION_INDEX, OUTLET_LUGGAGE);
    if (!status && store_log_find(session.store, span_str(inv->args[0]), &log, &inv->err))
        status = cli_fail(inv);
    if (!status)
        status = give_away(inv, &session, &log);
    session_close(&session);
    return status;
}

const struct command cmd_member_export = {
    .name = "member export",
    .arguments = "MEMBER FILE.tar.zst",
    .summary = "Let a hosted member leave with its log, contents and keys",
    .details = "The file holds its secret keys: hand it to the member alone. Its keys change when it arrives. From "
               "here on this\n"
               "node signs for it no more; if it does not go after all, `tongzhou member move FILE` takes it back.\n",
    .min_args = 2,
    .max_args = 2,
    .run = run_export,
};

/* ---- move ---- */

static const struct option move_options[] = {
    {"alone", NULL, "do not ask peers first whether they know more of our logs", AT_MOST_ONCE},
    {0},
};

#define ARRIVALS_MAX 64 /* members in one file: `member export` writes one */

struct arrivals {
    struct arrival {
        int64_t number;
        bool same_key;
    } found[ARRIVALS_MAX];
    size_t count;
};

static void report(void *ctx, const char *origin, const char *reason)
{
    (void)ctx;
    fprintf(stderr, "turned away: %s: %s\n", origin, reason);
}

static void arrived(void *ctx, int64_t number, bool same_key)
{
    struct arrivals *arrivals = ctx;
    if (arrivals->count < ARRIVALS_MAX)
        arrivals->found[arrivals->count++] = (struct arrival){number, same_key};
}

/* The log key by rotation, the other keys by a profile that names this node as host; what a cut-off attempt has done stays
 * done. */
static int settle(struct invocation *inv, struct session *session, const struct arrival *arrival)
{
    struct log_info log, host;
    struct member member;
    int rc = store_log(session->store, arrival->number, &log, &inv->err);
    if (!rc)
        rc = store_operator(session->store, &host, &inv->err);
    if (!rc)
        rc = store_member(session->store, arrival->number, &session->arena, &member, &inv->err);
    bool is_settled = !rc && !arrival->same_key && strcmp(member.profile.host, host.origin) == 0;
    if (is_settled)
        return err_set(&inv->err, ERR_EXISTS, "%s lives here already", log.origin);
    if (!rc && arrival->same_key)
        rc = author_rotate(session->store, arrival->number, NULL, NULL, cli_now_ms(), &inv->err);
    if (!rc)
        rc = author_new_profile(session->store, arrival->number, span_str(host.origin), cli_now_ms(), &inv->err);
    if (!rc)
        printf("%s lives on this node now, with new keys. Its recovery key stays as it is.\n", log.origin);
    return rc;
}

static int move(struct invocation *inv, struct session *session)
{
    struct arrivals arrivals = {0};
    struct unpack_options unpack_options = {
        .now_s = cli_now_ms() / 1000, .luggage = true, .report = report, .arrived = arrived, .ctx = &arrivals};
    struct pack_result result;
    if (pack_read(session->store, inv->args[0], &unpack_options, &result, &inv->err))
        return cli_fail(inv);
    if (arrivals.count == 0) {
        if (result.refused)
            return EXIT_FAILED; /* said already, with its reason */
        err_set(&inv->err, ERR_SYNTAX, "%s: holds no keys: it is a pack; take it in with `tongzhou unpack`",
                inv->args[0]);
        return cli_fail(inv);
    }
    /* Is it the only copy of this luggage? Somebody may have moved in elsewhere with the same file. */
    if (start_check_now(session->store, cli_flag(inv, "alone"), &inv->err))
        return cli_fail(inv);
    for (size_t i = 0; i < arrivals.count; i++)
        if (settle(inv, session, &arrivals.found[i]))
            return cli_fail(inv);
    int status = session_fold(inv, session);
    return status || !result.refused ? status : EXIT_FAILED;
}

static int run_move(struct invocation *inv)
{
    struct session session;
    int status = session_open(inv, &session, SESSION_WRITE | SESSION_INDEX | SESSION_SIGN, OUTLET_CLI_LOG);
    if (!status)
        status = move(inv, &session);
    session_close(&session);
    return status;
}

const struct command cmd_member_move = {
    .name = "member move",
    .arguments = "FILE.tar.zst",
    .summary = "Take in a member that left its old node, and change its keys",
    .details =
        "FILE is what `tongzhou member export` wrote on the old node. The log key is rotated on arrival, so that\n"
        "copies of the old key that stayed behind sign nothing any more.\n",
    .options = move_options,
    .min_args = 1,
    .max_args = 1,
    .run = run_move,
};
