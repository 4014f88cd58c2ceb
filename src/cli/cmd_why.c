/* tongzhou why: what decided about a record, rule, line and version. */
#include "base/when.h"
#include "cli/audience.h"
#include "cli/cessions.h"
#include "cli/commands.h"
#include "cli/lists.h"
#include "cli/session.h"
#include "connect/entering.h"

static const struct option options[] = {
    {"for", "MEMBER", "whether it is shared with this member (without: with the public)", AT_MOST_ONCE},
    {0},
};

/* What `why` knows of one record. */
struct why {
    struct invocation *inv;
    struct session *session;
    struct log_info log;
    uint64_t index;
    struct view_record record;
    struct judge judge;
    struct log_info viewer; /* of --for; number 0: the public */
    bool has_decision, has_verdict;
    struct decision decision;
    struct verdict verdict;
    unsigned flags;
};

static void put_rule(const struct policy_verdict *said, const char *version)
{
    if (said->line == 0) {
        fputs("no rule is about it\n", stdout);
        return;
    }
    printf("line %u of %s: ", said->line, version);
    cli_put_text(stdout, said->rule, said->rule.len);
    putchar('\n');
}

/* Rules as they were when it was decided. */
static int put_old_rule(struct why *w, struct err *err)
{
    static struct policy_errors errors;
    struct rules_version version;
    struct policy *policy = NULL;
    struct policy_verdict said;
    struct buf text;
    buf_init(&text, POLICY_TEXT_MAX);
    int rc = rules_text(w->session->store, w->verdict.version, &text, &version, err);
    if (rc == 0)
        rc = policy_parse(buf_view(&text), &policy, &errors, err);
    if (rc == 0 && policy_rule_at(policy, w->verdict.line, &said))
        put_rule(&said, version.version);
    policy_free(policy);
    buf_done(&text);
    return rc;
}

static void put_published(struct why *w)
{
    struct log_info log;
    struct err gone;
    int64_t ref = w->decision.published;
    if (ref && store_log(w->session->store, RECORD_REF_LOG(ref), &log, &gone) == 0)
        printf("         published as %s/%llu\n", log.origin, (unsigned long long)RECORD_REF_INDEX(ref));
}

/* By whose word another member decided here. */
static void put_cession(struct why *w)
{
    struct log_info log;
    struct governance_cession cession;
    struct err gone = {0};
    int64_t ref = w->decision.cession;
    if (!ref || store_log(w->session->store, RECORD_REF_LOG(ref), &log, &gone) < 0)
        return;
    printf("         by the cession %s/%llu", log.origin, (unsigned long long)RECORD_REF_INDEX(ref));
    if (cessions_find(&w->session->view, ref, cli_now_ms(), &w->session->arena, &cession, &gone) == 0) {
        fputs(" to ", stdout);
        put_address(stdout, cession.said.to);
        fputs(", ", stdout);
        put_cession_state(stdout, &cession);
    }
    putchar('\n');
}

static void put_decision(const struct decision *d)
{
    char time[WHEN_TEXT_LEN + 1];
    when_format(d->time_ms, time);
    printf("by %s: %s, %.19s", d->cession ? "a member to whom that was ceded" : "a person", d->who, time);
    if (d->reason[0]) {
        fputs(": ", stdout);
        cli_put_text(stdout, span_str(d->reason), DECISION_REASON_MAX);
    }
    putchar('\n');
}

static int put_verdict(struct why *w, struct err *err)
{
    char time[WHEN_TEXT_LEN + 1];
    when_format(w->verdict.time_ms, time);
    printf("%s %.19s, ", w->verdict.act == POLICY_HOLD ? "held" : "refused", time);
    if (w->verdict.line > 0)
        return put_old_rule(w, err);
    cli_put_text(stdout, span_str(w->verdict.reason), POLICY_REASON_MAX);
    putchar('\n');
    return 0;
}

/* Not decided about here so far: nothing came, or it was accepted. */
static int put_present(struct why *w, struct err *err)
{
    struct policy_verdict said;
    bool refused = false;
    bool is_here = w->record.has_text, is_ours = w->log.role == LOG_OWN || w->log.role == LOG_LOCAL;
    if (is_ours) {
        puts("it was said on this node");
        return 0;
    }
    int rc = entering_refuses(w->session->store, &w->log, &refused, &said, err);
    if (rc < 0)
        return rc;
    if (!is_here && w->flags & SLOT_ERASED) {
        puts("erased: its author has withdrawn it, or this node");
    } else if (!is_here && refused) {
        fputs("never fetched, ", stdout);
        put_rule(&said, w->judge.version.version);
    } else if (!is_here) {
        puts("it has not come: its author keeps it to some, or no peer has it");
    } else {
        fputs("accepted; today ", stdout);
        struct judge_case about = {
            .question = POLICY_ACCEPT, .log = &w->log, .record = &w->record.record, .bytes = w->record.text.len};
        if ((rc = judge_decide(&w->judge, &about, &said, err)) == 0)
            put_rule(&said, w->judge.version.version);
    }
    return rc;
}

static int why_accept(struct why *w, struct err *err)
{
    fputs("accept   ", stdout);
    if (w->record.entry_class != ENTRY_SEAL) {
        puts("it stands in its log in full: no rule is asked about it");
        return 0;
    }
    if (w->has_decision) {
        fputs(w->decision.act == POLICY_YES ? "released " : "refused ", stdout);
        put_decision(&w->decision);
        put_published(w);
        put_cession(w);
        return 0;
    }
    return w->has_verdict ? put_verdict(w, err) : put_present(w, err);
}

/* The member of --for, as rules see it. */
static int find_viewer(struct why *w, struct policy_bits *ret)
{
    const char *word = cli_option(w->inv, "for", NULL);
    if (!word) {
        policy_viewer(w->judge.policy, NULL, ret);
        return 0;
    }
    if (view_log_find(&w->session->view, span_str(word), &w->viewer, &w->inv->err) ||
        rules_viewer(w->session->store, w->judge.policy, span_str(w->viewer.origin), ret, &w->inv->err))
        return cli_fail(w->inv);
    return 0;
}

static int ask(struct why *w, enum policy_question question, const struct policy_bits *viewer,
               struct policy_verdict *ret, struct err *err)
{
    struct judge_case about = {.question = question,
                               .log = &w->log,
                               .record = &w->record.record,
                               .bytes = w->record.text.len,
                               .viewer = viewer};
    return judge_decide(&w->judge, &about, ret, err);
}

/* Is whoever looks in the audience? NULL: policy is asked; else why not. */
static int not_meant(struct why *w, enum audience_verdict *ret, const char **ret_why, struct err *err)
{
    const struct record *record = &w->record.record;
    int rc = view_audience(&w->session->view, span_str(w->viewer.number ? w->viewer.origin : ""), cli_now_ms(),
                           span_str(w->log.origin), record, ret, err);
    *ret_why = w->log.role == LOG_LOCAL ? "its log is local to this node"
               : audience_is_in(*ret)   ? NULL
                                        : audience_why(*ret);
    return rc;
}

/* First the marking and the audience, then the rules: both have to say yes. */
static int why_share(struct why *w, const struct policy_bits *viewer, struct err *err)
{
    const char *whom = w->viewer.number ? cli_option(w->inv, "for", "") : "the public", *why;
    enum audience_verdict meant = AUDIENCE_PUBLIC;
    struct policy_verdict said;
    int rc = not_meant(w, &meant, &why, err);
    if (rc == 0)
        rc = ask(w, POLICY_SHARE, viewer, &said, err);
    if (rc < 0)
        return rc;
    if (why) {
        printf("share    not with %s: %s: %s\n", whom, audience_marking(w->record.record.tlp), why);
        return 0;
    }
    bool is_yes = said.act == POLICY_YES || (said.line == 0 && meant == AUDIENCE_AUTHOR);
    printf("share    %s with %s: ", is_yes ? "yes," : "not", whom);
    if (meant != AUDIENCE_PUBLIC)
        printf("%s%s ", audience_why(meant), is_yes ? ";" : ", but");
    if (!is_yes && said.line == 0)
        puts("no rule lets leave what is not TLP:CLEAR");
    else
        put_rule(&said, w->judge.version.version);
    return 0;
}

static int why_enforce(struct why *w, struct err *err)
{
    struct policy_verdict said;
    int rc = ask(w, POLICY_ENFORCE, NULL, &said, err);
    if (rc < 0)
        return rc;
    printf("enforce  %s: ", said.act == POLICY_YES ? "takes effect" : "takes no effect");
    put_rule(&said, w->judge.version.version);
    return 0;
}

static int find_rows(struct why *w, struct err *err)
{
    int64_t ref = RECORD_REF(w->log.number, w->index);
    struct err none = {0};
    int rc = payload_flags(w->session->store, w->log.number, w->index, &w->flags, err);
    if (rc == 0)
        rc = judge_open(&w->judge, w->session->store, cli_now_ms(), err);
    if (rc < 0)
        return rc;
    int decided = decision_find(w->session->store, ref, &w->decision, &none);
    int judged = verdict_find(w->session->store, ref, &w->verdict, &none);
    w->has_decision = decided == 0;
    w->has_verdict = judged == 0;
    if ((decided < 0 && decided != ERR_NOTFOUND) || (judged < 0 && judged != ERR_NOTFOUND)) {
        *err = none;
        return none.code;
    }
    return 0;
}

static int tell(struct why *w)
{
    struct policy_bits viewer;
    struct err *err = &w->inv->err;
    printf("%s/%llu\n", w->log.origin, (unsigned long long)w->index);
    int status = find_viewer(w, &viewer);
    if (status)
        return status;
    int rc = why_accept(w, err);
    bool is_asked = w->record.entry_class == ENTRY_SEAL && w->record.parsed && !w->record.waiting;
    if (rc == 0 && is_asked)
        rc = why_share(w, &viewer, err);
    if (rc == 0 && is_asked && span_starts(w->record.record.kind, SPAN_LIT("security/")))
        rc = why_enforce(w, err);
    if (rc == 0)
        rc = put_lists_about(w->session, w->log.origin, w->index, err);
    return rc ? cli_fail(w->inv) : EXIT_DONE;
}

static int run(struct invocation *inv)
{
    struct session session;
    struct why w = {.inv = inv, .session = &session};
    int status = session_open(inv, &session, SESSION_INDEX, OUTLET_CLI_LOG);
    if (!status)
        status = session_record(inv, &session, inv->args[0], &w.log, &w.index);
    if (!status &&
        (view_record(&session.view, &w.log, w.index, &session.arena, &w.record, &inv->err) || find_rows(&w, &inv->err)))
        status = cli_fail(inv);
    if (!status)
        status = tell(&w);
    session_close(&session);
    return status;
}

const struct command cmd_why = {
    .name = "why",
    .arguments = "MEMBER/INDEX",
    .summary = "Tell which rule or person decided about a record: rule, line and version",
    .details =
        "Whether it was accepted, held or refused, by the rules as they were then, or by whose decision, and by which\n"
        "cession if another member took it; whether it is shared (by its marking and audience, and by rule) and\n"
        "takes effect, by the rules of today.\n",
    .options = options,
    .min_args = 1,
    .max_args = 1,
    .run = run,
};
