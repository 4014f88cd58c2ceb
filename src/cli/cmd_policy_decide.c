/* tongzhou policy release, refuse: a person decides. policy apply: the rules look at what was accepted, too. */
#include <pwd.h>
#include <unistd.h>

#include "cli/commands.h"
#include "cli/session.h"
#include "connect/entering.h"

static const struct option release_options[] = {
    {"reason", "TEXT", "why; it stays with the decision", AT_MOST_ONCE},
    {0},
};

static const struct option refuse_options[] = {
    {"reason", "TEXT", "why; it stays with the decision", ONCE},
    {0},
};

/* Who sits here, as the system knows them. */
static void find_who(char out[DECISION_WHO_MAX + 1])
{
    const struct passwd *user = getpwuid(getuid());
    if (user)
        snprintf(out, DECISION_WHO_MAX + 1, "%.120s", user->pw_name);
    else
        snprintf(out, DECISION_WHO_MAX + 1, "user %u", (unsigned)getuid());
}

static int decide(struct invocation *inv, struct session *session, struct decision *decision)
{
    struct log_info log;
    uint64_t index = 0;
    char name[ORIGIN_MAX + 1];
    int status = session_record(inv, session, inv->args[0], &log, &index);
    if (status)
        return status;
    decision->ref = RECORD_REF(log.number, index);
    decision->time_ms = cli_now_ms();
    find_who(decision->who);
    if (entering_decide(session->store, decision, &inv->err))
        return cli_fail(inv);
    status = session_fold(inv, session);
    if (!status && decision->act == POLICY_REFUSE)
        status = session_forget(inv, session);
    origin_short(span_str(log.origin), name);
    if (!status)
        printf("%s/%llu is %s.\n", name, (unsigned long long)index,
               decision->act == POLICY_YES ? "released" : "refused: it is neither kept here nor asked for again");
    return status;
}

static int run_decide(struct invocation *inv, enum policy_act act)
{
    struct session session;
    struct decision decision = {.act = act};
    const char *reason = cli_option(inv, "reason", "");
    if (act == POLICY_REFUSE && !*reason)
        return cli_usage(inv, "--reason is needed: whoever asks why is told");
    if (*reason && (strlen(reason) > POLICY_REASON_MAX || !record_value_valid(span_str(reason))))
        return cli_usage(inv, "--reason: must be one line of at most %d bytes", POLICY_REASON_MAX);
    snprintf(decision.reason, sizeof(decision.reason), "%s", reason);
    int status = session_open(inv, &session, SESSION_WRITE | SESSION_INDEX, OUTLET_CLI_LOG);
    if (!status)
        status = decide(inv, &session, &decision);
    session_close(&session);
    return status;
}

static int run_release(struct invocation *inv)
{
    return run_decide(inv, POLICY_YES);
}

static int run_refuse(struct invocation *inv)
{
    return run_decide(inv, POLICY_REFUSE);
}

const struct command cmd_policy_release = {
    .name = "policy release",
    .arguments = "MEMBER/INDEX",
    .summary = "Let a content in that policy holds or refused",
    .details =
        "What waits is shown and served from now on; what was refused is asked for again. No rule changes that.\n",
    .options = release_options,
    .min_args = 1,
    .max_args = 1,
    .run = run_release,
};

const struct command cmd_policy_refuse = {
    .name = "policy refuse",
    .arguments = "MEMBER/INDEX",
    .summary = "Turn a content away, held or accepted, whatever the rules say",
    .options = refuse_options,
    .min_args = 1,
    .max_args = 1,
    .run = run_refuse,
};

/* ---- policy apply ---- */

static const struct option apply_options[] = {
    {"dry-run", NULL, "only count what would change", AT_MOST_ONCE},
    {0},
};

static int apply(struct invocation *inv, struct session *session)
{
    struct entering_report report;
    bool dry = cli_flag(inv, "dry-run");
    if (entering_review(session->store, cli_now_ms(), dry, &report, &inv->err))
        return cli_fail(inv);
    int status = session_fold(inv, session);
    if (status)
        return status;
    cli_put_counted(stdout, report.looked, "content", "contents");
    printf(" looked at: %llu %s held, %llu refused\n", (unsigned long long)report.held, dry ? "would be" : "now",
           (unsigned long long)report.refused);
    return EXIT_DONE;
}

static int run_apply(struct invocation *inv)
{
    struct session session;
    int status = session_open(inv, &session, SESSION_WRITE | SESSION_INDEX, OUTLET_CLI_LOG);
    if (!status)
        status = apply(inv, &session);
    session_close(&session);
    return status;
}

const struct command cmd_policy_apply = {
    .name = "policy apply",
    .arguments = "",
    .summary = "Ask the rules about what was accepted before they were made, too",
    .details =
        "A changed policy is asked about what comes, what waits and what was refused; what was accepted stays unless\n"
        "this is run. What a person decided stays in any case.\n",
    .options = apply_options,
    .max_args = 0,
    .run = run_apply,
};
