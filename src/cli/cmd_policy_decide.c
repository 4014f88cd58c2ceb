/* tongzhou policy release, refuse: a person decides. policy apply: the rules look at what was accepted, too. */
#include "cli/commands.h"
#include "cli/session.h"
#include "connect/entering.h"
#include "moderation/moderation.h"

#define PUBLISH_OPTIONS                                                                                                \
    {"publish", "T", "say it in the operator's log, marked TLP:T, for all, the community or (amber) its author",       \
     AT_MOST_ONCE},                                                                                                    \
        {"facts", "TEXT", "with --publish: facts and circumstances (default: the reason)", AT_MOST_ONCE},              \
        {"ground", "TEXT", "with --publish: which term of the charter or policy it rests on (default: policy)",        \
         AT_MOST_ONCE},                                                                                                \
        {"law", "TEXT", "with --publish, instead of --ground: which law the content breaks", AT_MOST_ONCE},            \
        {"territory", "TEXT", "with --publish: where that law holds (default: not stated)", AT_MOST_ONCE},             \
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

static void tell(const struct session *session, const struct deciding *d, const struct deciding_done *done)
{
    struct log_info log;
    struct err gone;
    char name[ORIGIN_MAX + 1];
    if (done->published && store_log(session->store, RECORD_REF_LOG(done->published), &log, &gone) == 0)
        printf("%s/%llu says so.\n", log.origin, (unsigned long long)RECORD_REF_INDEX(done->published));
    if (done->answered > 0) {
        cli_put_counted(stdout, done->answered, "objection", "objections");
        puts(" answered.");
    }
    if (store_log(session->store, RECORD_REF_LOG(d->decision.ref), &log, &gone) < 0)
        return;
    bool is_ours = log.role == LOG_OWN || log.role == LOG_LOCAL;
    origin_short(span_str(log.origin), name);
    printf("%s/%llu is %s.\n", name, (unsigned long long)RECORD_REF_INDEX(d->decision.ref),
           is_ours                         ? "kept"
           : d->decision.act == POLICY_YES ? "released"
                                           : "refused: it is neither kept here nor asked for again");
}

static int decide(struct invocation *inv, struct session *session, struct deciding *d)
{
    struct log_info log;
    struct deciding_done done;
    uint64_t index = 0;
    int status = session_record(inv, session, inv->args[0], &log, &index);
    if (status)
        return status;
    d->decision.ref = RECORD_REF(log.number, index);
    d->decision.time_ms = cli_now_ms();
    session_who(d->decision.who, sizeof(d->decision.who));
    if (deciding_do(&session->view, session->store, d, &done, &inv->err))
        return cli_fail(inv);
    status = session_fold(inv, session);
    if (!status && d->decision.act == POLICY_REFUSE)
        status = session_forget(inv, session);
    if (!status)
        tell(session, d, &done);
    return status;
}

static int read_words(struct invocation *inv, struct deciding *d)
{
    static const char *const with_publish[] = {"facts", "ground", "law", "territory", "redress"};
    const char *publish_to = cli_option(inv, "publish", NULL), *law = cli_option(inv, "law", NULL);
    d->publish = publish_to ? tlp_parse(span_str(publish_to)) : TLP_NONE;
    if (publish_to && d->publish == TLP_NONE)
        return cli_usage(inv, "--publish %s: must be clear, green, amber or amber+strict", publish_to);
    for (size_t i = 0; i < sizeof(with_publish) / sizeof(*with_publish) && !publish_to; i++)
        if (cli_option(inv, with_publish[i], NULL))
            return cli_usage(inv, "--%s belongs to --publish", with_publish[i]);
    d->ground = cli_option(inv, "ground", NULL);
    if (law && d->ground)
        return cli_usage(inv, "--law and --ground exclude each other: a decision rests on one of them");
    d->is_illegal = law != NULL;
    d->ground = law ? law : d->ground;
    d->facts = cli_option(inv, "facts", NULL);
    d->territory = cli_option(inv, "territory", NULL);
    d->redress = cli_option(inv, "redress", NULL);
    const char *fault = deciding_fault(d);
    return fault ? cli_usage(inv, "%s", fault) : 0;
}

static int run_decide(struct invocation *inv, enum policy_act act)
{
    struct session session;
    struct deciding d = {.decision = {.act = act}};
    const char *reason = cli_option(inv, "reason", "");
    if (strlen(reason) > POLICY_REASON_MAX)
        return cli_usage(inv, "--reason: must be one line of at most %d bytes", POLICY_REASON_MAX);
    snprintf(d.decision.reason, sizeof(d.decision.reason), "%s", reason);
    int status = read_words(inv, &d);
    if (status)
        return status;
    unsigned flags = SESSION_WRITE | SESSION_INDEX | (d.publish != TLP_NONE ? SESSION_SIGN : 0);
    status = session_open(inv, &session, flags, OUTLET_CLI_LOG);
    if (!status)
        status = decide(inv, &session, &d);
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
        "What waits is shown and served from now on; what was refused is asked for again. No rule changes that.\n"
        "Objections against it (tongzhou policy notices) are answered by it, as by a refusal.\n",
    .options = release_options,
    .min_args = 1,
    .max_args = 1,
    .run = run_release,
};

const struct command cmd_policy_refuse = {
    .name = "policy refuse",
    .arguments = "MEMBER/INDEX",
    .summary = "Turn a content away, held or accepted, whatever the rules say",
    .details =
        "With --publish it is a statement of reasons as article 17 of the EU's Digital Services Act asks for: what is\n"
        "restricted, where, on which facts, by which rule, law or term, whether a program found it, and where to turn\n"
        "to. Objections that wait are answered by it.\n",
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
