/* tongzhou policy release, refuse: a person decides. policy apply: the rules look at what was accepted, too. */
#include <pwd.h>
#include <unistd.h>

#include "cli/commands.h"
#include "cli/policy_record.h"
#include "connect/entering.h"
#include "state/author.h"

#define PUBLISH_OPTIONS                                                                                                \
    {"publish", "T", "say it in the operator's log, too, marked TLP:T: a record of kind policy/decision",              \
     AT_MOST_ONCE},                                                                                                    \
        {"ground", "TEXT", "with --publish: what demands it, as a law (default: the node's policy)", AT_MOST_ONCE},    \
        {"redress", "TEXT", "with --publish: where to turn to against it (default: the profile's contact)",            \
         AT_MOST_ONCE},                                                                                                \
        {"alone", NULL, "do not ask peers first whether they know more of our logs", AT_MOST_ONCE},                    \
    {                                                                                                                  \
        0                                                                                                              \
    }

static const struct option release_options[] = {
    {"reason", "TEXT", "why; it stays with the decision", AT_MOST_ONCE},
    PUBLISH_OPTIONS,
};

static const struct option refuse_options[] = {
    {"reason", "TEXT", "why; it stays with the decision", ONCE},
    PUBLISH_OPTIONS,
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

static int find_contact(struct session *session, const struct log_info *operator, char out[MEMBER_WORD_MAX + 1],
                        struct err *err)
{
    struct member member;
    int rc = store_member(session->store, operator->number, &session->arena, &member, err);
    snprintf(out, MEMBER_WORD_MAX + 1, "%s", rc ? "" : member.profile.contact);
    return rc;
}

/* The decision as a record in the operator's log; its ref goes beside the decision. */
static int publish(struct invocation *inv, struct session *session, struct policy_record *record)
{
    struct log_info operator;
    struct buf text;
    char contact[MEMBER_WORD_MAX + 1];
    uint64_t index = 0;
    struct store *store = session->store;
    buf_init(&text, PAYLOAD_MAX);
    int rc = store_operator(store, &operator, & inv->err);
    if (!rc)
        rc = find_contact(session, &operator, contact, &inv->err);
    if (!rc && !record->redress)
        record->redress = contact;
    if (!rc)
        rc = policy_record_write(session, &operator, record, &text, &inv->err);
    struct author_item item = {buf_view(&text), record->tlp == TLP_CLEAR};
    if (!rc)
        rc = author_append(store, operator.number, &item, 1, record->decision->time_ms, &index, &inv->err);
    buf_done(&text);
    if (!rc && !(rc = store_begin(store, &inv->err))) {
        rc = decision_set_published(store, record->decision->number, RECORD_REF(operator.number, index), &inv->err);
        if (!rc)
            rc = store_commit(store, &inv->err);
        else
            store_rollback(store);
    }
    if (rc)
        return cli_fail(inv);
    printf("%s/%llu says so.\n", operator.origin, (unsigned long long)index);
    return EXIT_DONE;
}

static int decide(struct invocation *inv, struct session *session, struct decision *decision,
                  struct policy_record *record)
{
    struct log_info log;
    struct verdict before;
    struct err none;
    uint64_t index = 0;
    char name[ORIGIN_MAX + 1];
    int status = session_record(inv, session, inv->args[0], &log, &index);
    if (status)
        return status;
    decision->ref = RECORD_REF(log.number, index);
    decision->time_ms = cli_now_ms();
    find_who(decision->who);
    if (verdict_find(session->store, decision->ref, &before, &none) == 0)
        record->before = &before;
    if (entering_decide(session->store, decision, &inv->err))
        return cli_fail(inv);
    if (record->tlp != TLP_NONE)
        status = publish(inv, session, record);
    if (!status)
        status = session_fold(inv, session);
    if (!status && decision->act == POLICY_REFUSE)
        status = session_forget(inv, session);
    origin_short(span_str(log.origin), name);
    if (!status)
        printf("%s/%llu is %s.\n", name, (unsigned long long)index,
               decision->act == POLICY_YES ? "released" : "refused: it is neither kept here nor asked for again");
    return status;
}

/* Texts that go into a record are held to what one can hold. */
static int read_words(struct invocation *inv, struct policy_record *record)
{
    const char *publish_to = cli_option(inv, "publish", NULL);
    record->ground = cli_option(inv, "ground", "policy");
    record->redress = cli_option(inv, "redress", NULL);
    record->tlp = publish_to ? tlp_parse(span_str(publish_to)) : TLP_NONE;
    if (publish_to && record->tlp == TLP_NONE)
        return cli_usage(inv, "--publish %s: must be clear, green, amber, amber+strict or red", publish_to);
    if (!publish_to && (cli_option(inv, "ground", NULL) || record->redress))
        return cli_usage(inv, "--ground and --redress belong to --publish");
    if (!record_value_valid(span_str(record->ground)) || strlen(record->ground) > DECISION_REASON_MAX)
        return cli_usage(inv, "--ground: must be one line of at most %d bytes", DECISION_REASON_MAX);
    if (record->redress &&
        (!record_value_valid(span_str(record->redress)) || strlen(record->redress) > DECISION_REASON_MAX))
        return cli_usage(inv, "--redress: must be one line of at most %d bytes", DECISION_REASON_MAX);
    return 0;
}

static int run_decide(struct invocation *inv, enum policy_act act)
{
    struct session session;
    struct decision decision = {.act = act};
    struct policy_record record = {.decision = &decision};
    const char *reason = cli_option(inv, "reason", "");
    if (act == POLICY_REFUSE && !*reason)
        return cli_usage(inv, "--reason is needed: whoever asks why is told");
    if (*reason && (strlen(reason) > POLICY_REASON_MAX || !record_value_valid(span_str(reason))))
        return cli_usage(inv, "--reason: must be one line of at most %d bytes", POLICY_REASON_MAX);
    int status = read_words(inv, &record);
    if (status)
        return status;
    snprintf(decision.reason, sizeof(decision.reason), "%s", reason);
    unsigned flags = SESSION_WRITE | SESSION_INDEX | (record.tlp != TLP_NONE ? SESSION_SIGN : 0);
    status = session_open(inv, &session, flags, OUTLET_CLI_LOG);
    if (!status)
        status = decide(inv, &session, &decision, &record);
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
