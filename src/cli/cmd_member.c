/* tongzhou member add, list, export, move: members who live on this node without running one. */
#include <stdlib.h>

#include "cli/commands.h"
#include "cli/profile.h"
#include "cli/session.h"
#include "connect/pack.h"
#include "state/author.h"

/* ---- add ---- */

static const struct option add_options[] = {
    PROFILE_OPTIONS,
    {"recovery-out", "FILE", "where its recovery key goes (default NAME.recovery in this folder)", false},
    {"alone", NULL, "do not ask peers first whether they know more of our logs", false},
    {0},
};

static int add(struct invocation *inv, struct session *session)
{
    struct log_info operator, log;
    char recovery[ORIGIN_NAME_MAX + 16];
    struct author_new make = {.time_ms = cli_now_ms(), .role = LOG_OWN};
    int rc = profile_options(inv, &make.profile);
    if (rc)
        return rc;
    if (store_operator(session->store, &operator, & inv->err))
        return cli_fail(inv);
    snprintf(make.profile.host, sizeof(make.profile.host), "%s", operator.origin);
    snprintf(recovery, sizeof(recovery), "%s.recovery", make.profile.name);
    make.recovery_path = cli_option(inv, "recovery-out", recovery);
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
    int status = session_open(inv, &session, SESSION_WRITE | SESSION_SIGN, OUTLET_CLI_LOG);
    if (!status)
        status = add(inv, &session);
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
    if (log->role == LOG_OWN || log->role == LOG_MOVED)
        printf("%s  %llu entries  %s\n", log->origin, (unsigned long long)log->size,
               log->is_operator       ? "operator"
               : log->role == LOG_OWN ? "hosted"
                                      : "moved away");
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

static int give_away(struct invocation *inv, struct session *session, struct log_info *log)
{
    struct pack_options pack_options = {.numbers = &log->number,
                                        .number_count = 1,
                                        .payloads_newest = UINT64_MAX,
                                        .now_ms = cli_now_ms(),
                                        .keys_dir = inv->dir};
    struct pack_result result;
    if (log->role != LOG_OWN || log->is_operator) {
        err_set(&inv->err, ERR_REFUSED, "%s is %s", log->origin,
                log->is_operator ? "this node's operator: it moves with `tongzhou backup`"
                                 : "no hosted member of this node");
        return cli_fail(inv);
    }
    if (pack_write(&session->view, inv->args[1], &pack_options, &result, &inv->err))
        return cli_fail(inv);
    /* From here on we do not sign for it; first the role, then the keys: a crash between leaves keys unused, not lost. */
    log->role = LOG_MOVED;
    int rc = store_begin(session->store, &inv->err);
    if (!rc)
        rc = store_log_update(session->store, log, &inv->err);
    if (!rc)
        rc = store_commit(session->store, &inv->err);
    if (!rc)
        rc = keys_remove(inv->dir, span_str(log->origin), &inv->err);
    if (rc)
        return cli_fail(inv);
    printf("%s: %llu entries, %llu contents and the keys of %s.\n"
           "This node mirrors it from now on and signs for it no more. On its new node: tongzhou member move %s\n",
           inv->args[1], (unsigned long long)result.entries, (unsigned long long)result.payloads, log->origin,
           inv->args[1]);
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
    .details = "The file holds its secret keys: hand it to the member alone. Its keys change when it arrives.\n",
    .min_args = 2,
    .max_args = 2,
    .run = run_export,
};

/* ---- move ---- */

static const struct option move_options[] = {
    {"alone", NULL, "do not ask peers first whether they know more of our logs", false},
    {0},
};

static void report(void *ctx, const char *origin, const char *reason)
{
    (void)ctx;
    fprintf(stderr, "turned away: %s: %s\n", origin, reason);
}

struct arrivals {
    int64_t found[64]; /* numbers of our own logs */
    size_t count;
};

static int note_own(void *ctx, const struct log_info *log, struct err *err)
{
    struct arrivals *arrivals = ctx;
    (void)err;
    if (log->role == LOG_OWN && arrivals->count < 64)
        arrivals->found[arrivals->count++] = log->number;
    return 0;
}

/* The log key by rotation, the other keys by a profile that names this node as host. */
static int settle(struct invocation *inv, struct session *session, int64_t number)
{
    struct log_info log, operator;
    int rc = store_log(session->store, number, &log, &inv->err);
    if (!rc)
        rc = store_operator(session->store, &operator, & inv->err);
    if (!rc)
        rc = author_rotate(session->store, number, NULL, NULL, cli_now_ms(), &inv->err);
    if (!rc)
        rc = author_new_profile(session->store, number, span_str(operator.origin), cli_now_ms(), &inv->err);
    if (!rc)
        printf("%s lives on this node now, with new keys. Its recovery key stays as it is.\n", log.origin);
    return rc;
}

static int move(struct invocation *inv, struct session *session)
{
    struct unpack_options unpack_options = {.now_s = cli_now_ms() / 1000, .luggage = true, .report = report};
    struct pack_result result;
    struct arrivals before = {0}, after = {0};
    uint64_t folded;
    if (store_logs(session->store, note_own, &before, &inv->err) ||
        pack_read(session->store, inv->args[0], &unpack_options, &result, &inv->err) ||
        store_logs(session->store, note_own, &after, &inv->err))
        return cli_fail(inv);
    size_t arrived = 0;
    for (size_t i = 0; i < after.count; i++) {
        bool old = false;
        for (size_t j = 0; j < before.count; j++)
            old |= before.found[j] == after.found[i];
        if (!old && settle(inv, session, after.found[i]))
            return cli_fail(inv);
        arrived += !old;
    }
    if (arrived == 0) {
        err_set(&inv->err, ERR_SYNTAX, "%s: holds no member's luggage with keys, or the member lives here already",
                inv->args[0]);
        return cli_fail(inv);
    }
    return index_update(session->index, session->store, 0, &folded, &inv->err) ? cli_fail(inv)
           : result.refused                                                    ? EXIT_FAILED
                                                                               : EXIT_DONE;
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
