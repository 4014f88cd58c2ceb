/* Contents as they arrive. What changes afterwards is in reviewing.c. */
#include "connect/entering.h"

#include <stdio.h>

#include "record/seal.h"
#include "state/notices.h"

/* Is there anything that could be asked about at all? */
static int look_for_rows(struct entering *e, struct err *err)
{
    int64_t ref;
    size_t count = 0;
    int rc = verdict_refs(e->judge.store, POLICY_REFUSE, INT64_MIN, &ref, 1, &count, err);
    e->has_verdicts = count > 0;
    if (rc == 0 && !e->has_verdicts) {
        rc = verdict_refs(e->judge.store, POLICY_HOLD, INT64_MIN, &ref, 1, &count, err);
        e->has_verdicts = count > 0;
    }
    return rc < 0 ? rc : decision_any(e->judge.store, &e->has_decisions, err);
}

int entering_begin(struct entering *e, struct store *store, int64_t now_ms, struct err *err)
{
    *e = (struct entering){0};
    int rc = judge_open(&e->judge, store, now_ms, err);
    e->counts = rc == 0 && policy_counts(e->judge.policy);
    return rc < 0 ? rc : look_for_rows(e, err);
}

/* What a person has decided: POLICY_YES, POLICY_REFUSE, or POLICY_OPEN: nobody has. */
static int decided(struct entering *e, int64_t ref, struct policy_verdict *ret, struct err *err)
{
    struct decision decision;
    struct err none = {0};
    *ret = (struct policy_verdict){.act = POLICY_OPEN};
    if (!e->has_decisions)
        return 0;
    int rc = decision_find(e->judge.store, ref, &decision, &none);
    if (rc == 0)
        ret->act = decision.act;
    else if (rc != ERR_NOTFOUND)
        *err = none;
    return rc == ERR_NOTFOUND ? 0 : rc;
}

static int ask(struct entering *e, const struct log_info *log, const struct record *record,
               const struct payload_new *item, struct policy_verdict *ret, struct err *err)
{
    struct policy_counts counts = {0};
    struct judge_case about = {
        .question = POLICY_ACCEPT, .log = log, .record = record, .bytes = item->payload.len, .counts = &counts};
    int rc = decided(e, RECORD_REF(log->number, item->index), ret, err);
    if (rc < 0 || ret->act != POLICY_OPEN)
        return rc;
    *ret = (struct policy_verdict){.act = POLICY_YES};
    if (!e->judge.decides[POLICY_ACCEPT])
        return 0;
    if (e->counts)
        rc = rules_counts(e->judge.store, log->number, e->judge.now_ms, &counts, err);
    return rc < 0 ? rc : judge_decide(&e->judge, &about, ret, err);
}

void entering_verdict(const struct judge *judge, int64_t ref, const struct record *record,
                      const struct policy_verdict *said, struct verdict *ret)
{
    *ret = (struct verdict){
        .ref = ref, .act = said->act, .line = said->line, .version = judge->version.number, .time_ms = judge->now_ms};
    snprintf(ret->reason, sizeof(ret->reason), "%.*s", SPAN_ARGS(said->reason));
    if (!record)
        return;
    ret->tlp = record->tlp;
    snprintf(ret->kind, sizeof(ret->kind), "%.*s", SPAN_ARGS(record->kind));
    if (record->lang.len <= VERDICT_LANG_MAX)
        snprintf(ret->lang, sizeof(ret->lang), "%.*s", SPAN_ARGS(record->lang));
}

int entering_put_verdict(const struct judge *judge, int64_t ref, const struct record *record,
                         const struct policy_verdict *said, struct err *err)
{
    struct verdict verdict;
    entering_verdict(judge, ref, record, said, &verdict);
    return verdict_put(judge->store, &verdict, err);
}

/* The people here are told: a flood is one line with a count. */
static int tell(struct entering *e, enum notice_what what, const struct log_info *log, uint64_t index, struct err *err)
{
    struct notice notice = {
        .what = what, .time_ms = e->judge.now_ms, .ref = RECORD_REF(log->number, index), .origin = log->origin};
    return notice_add(e->judge.store, &notice, err);
}

/* Turned away only if it is what its author has sealed: else the peer has lied, and nothing is known of it. */
static int turn_away(struct entering *e, const struct log_info *log, const struct record *record,
                     const struct payload_new *item, const struct policy_verdict *said, struct err *err)
{
    struct store *store = e->judge.store;
    struct buf entry;
    buf_init(&entry, ENTRY_MAX);
    int rc = store_read_entry(store, log->number, item->index, &entry, err);
    if (rc == 0)
        rc = seal_check(span_str(log->origin), buf_view(&entry), item->salt, item->payload, err);
    if (rc == 0)
        rc = payload_refuse(store, log->number, item->index, err);
    bool has_row = said->line == 0 && said->reason.len == 0; /* a person's, who gave a reason then */
    if (rc == 0 && !has_row)
        rc = entering_put_verdict(&e->judge, RECORD_REF(log->number, item->index), record, said, err);
    if (rc == 0 && !has_row)
        rc = tell(e, NOTICE_CONTENT_REFUSED, log, item->index, err);
    buf_done(&entry);
    return rc;
}

int entering_no_record(struct entering *e, const struct log_info *log, const struct payload_new *item, struct err *err)
{
    struct policy_verdict said = {.act = POLICY_REFUSE, .reason = SPAN_LIT("its seal holds, but it is no record")};
    return turn_away(e, log, NULL, item, &said, err);
}

/* The row of an earlier verdict goes when another one, or none, is true. */
static int write_down(struct entering *e, const struct log_info *log, const struct record *record,
                      const struct payload_new *item, const struct policy_verdict *said, struct err *err)
{
    int64_t ref = RECORD_REF(log->number, item->index);
    int rc = 0;
    if (said->act == POLICY_HOLD) {
        rc = entering_put_verdict(&e->judge, ref, record, said, err);
        if (rc == 0)
            rc = tell(e, NOTICE_CONTENT_HELD, log, item->index, err);
    } else if (e->has_verdicts) {
        rc = verdict_remove(e->judge.store, ref, err);
    }
    if (rc == 0 && e->counts)
        rc = rules_count(e->judge.store, log->number, e->judge.now_ms, 1, item->payload.len, err);
    return rc;
}

int entering_judge(struct entering *e, const struct log_info *log, const struct record *record, struct payload_new *io,
                   bool *ret_keep, struct err *err)
{
    struct policy_verdict said;
    unsigned flags = 0;
    *ret_keep = true;
    if (log->role == LOG_OWN || log->role == LOG_LOCAL ||
        (!e->judge.decides[POLICY_ACCEPT] && !e->has_decisions && !e->has_verdicts))
        return 0;
    int rc = payload_flags(e->judge.store, log->number, io->index, &flags, err);
    if (rc < 0 || flags & (SLOT_HELD | SLOT_ERASED)) /* it is here, or never will be: nothing is kept anew */
        return rc;
    rc = ask(e, log, record, io, &said, err);
    if (rc < 0)
        return rc;
    io->waiting = said.act == POLICY_HOLD;
    *ret_keep = said.act != POLICY_REFUSE;
    return *ret_keep ? write_down(e, log, record, io, &said, err) : turn_away(e, log, record, io, &said, err);
}

int entering_judged_by(struct store *store, uint64_t *ret, struct err *err)
{
    const struct policy *policy;
    struct rules_version version;
    uint64_t decisions = 0;
    int rc = rules_policy(store, &policy, &version, err);
    if (rc == 0)
        rc = decision_count(store, &decisions, err);
    *ret = ((uint64_t)version.number << 32) + decisions;
    return rc;
}

int entering_refuses(struct store *store, const struct log_info *log, bool *ret, struct policy_verdict *ret_verdict,
                     struct err *err)
{
    struct judge judge;
    struct judge_case about = {.question = POLICY_ACCEPT, .log = log};
    *ret = false;
    if (log->role == LOG_OWN || log->role == LOG_LOCAL)
        return 0;
    int rc = judge_open(&judge, store, 0, err);
    if (rc < 0 || !judge.decides[POLICY_ACCEPT])
        return rc;
    rc = judge_decide(&judge, &about, ret_verdict, err);
    *ret = rc == 0 && ret_verdict->act == POLICY_REFUSE;
    return rc;
}
