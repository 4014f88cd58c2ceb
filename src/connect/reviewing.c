/* What was decided about contents is decided again: another policy, or a person. */
#include <stdio.h>
#include <stdlib.h>

#include "connect/entering.h"
#include "connect/mirroring.h"
#include "connect/sync_internal.h"

#define REVIEW_BATCH 256            /* contents that share a commit: a bundle */
#define REVIEW_ARENA_MAX (1u << 20) /* bytes: header lines of one record */

/*
 * One round over contents. What is to be turned away goes after the commit, since that makes commits of its own: slot and row
 * in one, so that nothing is refused without its reason, and nothing that was refused is served.
 */
struct review {
    struct judge judge;
    struct entering_report *report;
    struct arena arena;
    struct buf item;
    struct verdict away[REVIEW_BATCH];
    size_t away_count;
    struct decision *decision; /* of a person, that stands beside them; NULL: rules decided */
    bool dry;
};

static int review_open(struct review *r, struct store *store, int64_t now_ms, struct entering_report *report,
                       struct err *err)
{
    *r = (struct review){.report = report};
    arena_init(&r->arena, REVIEW_ARENA_MAX);
    buf_init(&r->item, PAYLOAD_MAX + SEAL_SALT + 64);
    return judge_open(&r->judge, store, now_ms, err);
}

static void review_close(struct review *r)
{
    arena_done(&r->arena);
    buf_done(&r->item);
}

static int put_away(void *ctx, struct err *err)
{
    struct review *r = ctx;
    int rc = 0;
    for (size_t i = 0; i < r->away_count && rc == 0; i++)
        rc = verdict_put(r->judge.store, &r->away[i], err);
    return rc == 0 && r->decision ? decision_put(r->judge.store, r->decision, err) : rc;
}

static int review_away(struct review *r, struct err *err)
{
    int64_t refs[REVIEW_BATCH];
    struct payload_away away = {refs, r->away_count, put_away, r};
    if (r->away_count == 0)
        return 0;
    for (size_t i = 0; i < r->away_count; i++)
        refs[i] = r->away[i].ref;
    int rc = payload_turn_away(r->judge.store, &away, err);
    r->away_count = 0;
    return rc;
}

static void take_away(struct review *r, int64_t ref, const struct record *record, const struct policy_verdict *said)
{
    entering_verdict(&r->judge, ref, record, said, &r->away[r->away_count++]);
    r->report->refused++;
}

/* Has a person decided? */
static int is_decided(struct review *r, int64_t ref, bool *ret, struct err *err)
{
    struct decision decision;
    struct err none = {0};
    int rc = decision_find(r->judge.store, ref, &decision, &none);
    *ret = rc == 0;
    if (rc == 0 || rc == ERR_NOTFOUND)
        return 0;
    *err = none;
    return rc;
}

/* `counts`: what its author has brought in; NULL: it was let in long ago, and no limit is about it. */
static int judge_text(struct review *r, const struct log_info *log, struct span text,
                      const struct policy_counts *counts, struct record *record, struct policy_verdict *ret,
                      struct err *err)
{
    struct err unread;
    struct judge_case about = {
        .question = POLICY_ACCEPT, .log = log, .record = record, .bytes = text.len, .counts = counts};
    arena_clear(&r->arena);
    if (record_parse(text, &r->arena, record, &unread) < 0) {
        *ret = (struct policy_verdict){.act = POLICY_YES};
        return 0;
    }
    return judge_decide(&r->judge, &about, ret, err);
}

/* ---- a changed policy ---- */

/*
 * What is let out of waiting counts as brought in now: else a flood that a limit holds would come in whole with the next
 * change of any rule.
 */
static int judge_waiting(struct review *r, const struct log_info *log, struct span text, struct record *record,
                         struct policy_verdict *ret, struct err *err)
{
    struct policy_counts counts = {0};
    bool has_limits = policy_counts(r->judge.policy);
    int rc = has_limits ? rules_counts(r->judge.store, log->number, r->judge.now_ms, &counts, err) : 0;
    if (rc == 0)
        rc = judge_text(r, log, text, &counts, record, ret, err);
    if (rc == 0 && has_limits && ret->act == POLICY_YES)
        rc = rules_count(r->judge.store, log->number, r->judge.now_ms, 1, text.len, err);
    return rc;
}

static int release(struct review *r, int64_t ref, bool clear, struct err *err)
{
    int rc = payload_release(r->judge.store, RECORD_REF_LOG(ref), RECORD_REF_INDEX(ref), clear, err);
    r->report->released += rc == 0;
    return rc < 0 ? rc : verdict_remove(r->judge.store, ref, err);
}

/* One that waits. Where nothing waits any more (erased, dropped, a mended disk) the row goes. */
static int rejudge_waiting(struct review *r, int64_t ref, struct err *err)
{
    struct log_info log;
    struct policy_verdict said;
    struct record record = {0};
    struct payload_item item;
    unsigned flags = 0;
    struct err gone = {0};
    buf_clear(&r->item);
    int rc = store_log(r->judge.store, RECORD_REF_LOG(ref), &log, err);
    if (rc < 0)
        return rc;
    rc = payload_read(r->judge.store, log.number, RECORD_REF_INDEX(ref), &r->item, &flags, &gone);
    if (rc == ERR_NOTFOUND || (rc == 0 && !(flags & SLOT_WAITING)))
        return verdict_remove(r->judge.store, ref, err);
    if (rc < 0) {
        *err = gone;
        return rc;
    }
    struct payload_reader reader = {.bundle = buf_view(&r->item)};
    if ((rc = payload_next(&reader, &item, err)) < 0)
        return rc;
    r->report->looked++;
    rc = judge_waiting(r, &log, item.payload, &record, &said, err);
    if (rc < 0)
        return rc;
    if (said.act == POLICY_YES)
        return release(r, ref, record.tlp == TLP_CLEAR, err);
    if (said.act != POLICY_REFUSE)
        return entering_put_verdict(&r->judge, ref, &record, &said, err);
    take_away(r, ref, &record, &said);
    return 0;
}

/* Its contents may be asked for again, of everybody who announced the log. */
static int want_again(struct review *r, struct log_info *log, int64_t ref, struct err *err)
{
    int rc = payload_forgive(r->judge.store, log->number, RECORD_REF_INDEX(ref), err);
    if (rc == 0)
        rc = verdict_remove(r->judge.store, ref, err);
    if (rc == 0)
        rc = sync_want_again(r->judge.store, log, err);
    r->report->asked_again += rc == 0;
    return rc;
}

/* One that was refused by a rule of another version. What no rule was about, and what persons decided, stays. */
static int rejudge_refused(struct review *r, int64_t ref, struct err *err)
{
    struct log_info log;
    struct verdict verdict;
    struct policy_verdict said;
    struct judge_case about = {.question = POLICY_ACCEPT, .log = &log};
    bool by_person = false;
    int rc = store_log(r->judge.store, RECORD_REF_LOG(ref), &log, err);
    if (rc == 0)
        rc = is_decided(r, ref, &by_person, err);
    if (rc == 0)
        rc = verdict_find(r->judge.store, ref, &verdict, err);
    if (rc < 0 || by_person || verdict.line == 0 || verdict.version == r->judge.version.number)
        return rc;
    r->report->looked++;
    rc = judge_decide(&r->judge, &about, &said, err);
    if (rc < 0)
        return rc;
    return said.act == POLICY_REFUSE ? entering_put_verdict(&r->judge, ref, NULL, &said, err)
                                     : want_again(r, &log, ref, err);
}

static int rejudge(struct store *store, enum policy_act act, int64_t now_ms, struct entering_report *report,
                   struct err *err)
{
    struct review r;
    int64_t refs[REVIEW_BATCH], after = INT64_MIN;
    size_t count = 0;
    int rc = review_open(&r, store, now_ms, report, err);
    do {
        if (rc == 0 && (rc = store_begin(store, err)) == 0) {
            rc = verdict_refs(store, act, after, refs, REVIEW_BATCH, &count, err);
            for (size_t i = 0; i < count && rc == 0; i++)
                rc = act == POLICY_HOLD ? rejudge_waiting(&r, refs[i], err) : rejudge_refused(&r, refs[i], err);
            if (rc == 0)
                rc = store_commit(store, err);
            else
                store_rollback(store);
        }
        if (rc == 0)
            rc = review_away(&r, err);
        after = count > 0 ? refs[count - 1] : after;
    } while (rc == 0 && count == REVIEW_BATCH);
    review_close(&r);
    return rc;
}

static int note_applied(struct store *store, int64_t number, struct err *err)
{
    int rc = store_begin(store, err);
    if (rc < 0)
        return rc;
    rc = rules_set_applied(store, number, err);
    if (rc == 0)
        return store_commit(store, err);
    store_rollback(store);
    return rc;
}

struct numbers {
    int64_t *number;
    size_t count, cap;
};

/* Writing ends a walk over logs, so their numbers are taken first. */
static int numbers_add(struct numbers *n, const struct log_info *log, struct err *err)
{
    if (n->count == n->cap) {
        size_t cap = n->cap ? 2 * n->cap : 64;
        int64_t *grown = reallocarray(n->number, cap, sizeof(*grown));
        if (!grown)
            return err_memory(err);
        n->number = grown;
        n->cap = cap;
    }
    n->number[n->count++] = log->number;
    return 0;
}

static int take_served(void *ctx, const struct log_info *log, struct err *err)
{
    return log->role == LOG_LOCAL || log->role == LOG_LISTED || log->size == 0 ? 0 : numbers_add(ctx, log, err);
}

static int take_mirrored(void *ctx, const struct log_info *log, struct err *err)
{
    return log->role != LOG_MIRROR && log->role != LOG_MOVED ? 0 : numbers_add(ctx, log, err);
}

#define SHARING "policy-sharing" /* fact: the version applied last kept something from somebody whom it is for */

/* What leaves may be more than before: peers are told that each log changed, and ask for what they lack. */
static int announce_all(struct store *store, const struct policy *policy, struct err *err)
{
    struct numbers numbers = {0};
    struct buf fact;
    struct err missing = {0};
    bool keeps = !policy_shares_all(policy);
    buf_init(&fact, 16);
    int rc = store_get(store, SHARING, &fact, &missing);
    bool kept = rc == 0 && span_is(buf_view(&fact), "1");
    buf_done(&fact);
    if (rc < 0 && rc != ERR_NOTFOUND)
        return err_set(err, rc, "%s", missing.text);
    if (!keeps && !kept)
        return 0;
    rc = store_logs(store, take_served, &numbers, err);
    if (rc == 0 && (rc = store_begin(store, err)) == 0) {
        for (size_t i = 0; i < numbers.count && rc == 0; i++)
            rc = store_announce(store, numbers.number[i], err);
        if (rc == 0)
            rc = store_put(store, SHARING, keeps ? SPAN_LIT("1") : SPAN_LIT("0"), err);
        if (rc == 0)
            rc = store_commit(store, err);
        else
            store_rollback(store);
    }
    free(numbers.number);
    return rc;
}

int entering_follow_groups(struct store *store, struct err *err)
{
    const struct policy *policy;
    struct rules_version version;
    int rc = rules_policy(store, &policy, &version, err);
    return rc < 0 || !policy_looks_at_groups(policy) ? rc : announce_all(store, policy, err);
}

int entering_follow_policy(struct store *store, int64_t now_ms, struct entering_report *report, struct err *err)
{
    bool applied = false;
    *report = (struct entering_report){0};
    int rc;
    while ((rc = rules_applied(store, &applied, err)) == 0 && !applied) {
        const struct policy *policy;
        struct rules_version version;
        rc = rules_policy(store, &policy, &version, err);
        if (rc == 0)
            rc = rejudge(store, POLICY_HOLD, now_ms, report, err);
        if (rc == 0)
            rc = rejudge(store, POLICY_REFUSE, now_ms, report, err);
        if (rc == 0)
            rc = mirroring_follow_policy(store, err);
        if (rc == 0)
            rc = announce_all(store, policy, err);
        if (rc == 0)
            rc = note_applied(store, version.number, err);
        if (rc < 0)
            break;
    }
    return rc;
}

/* ---- what was accepted ---- */

static int review_item(struct review *r, const struct log_info *log, uint64_t index, struct span text, struct err *err)
{
    int64_t ref = RECORD_REF(log->number, index);
    struct policy_verdict said;
    struct record record;
    bool by_person = false;
    int rc = is_decided(r, ref, &by_person, err);
    if (rc < 0 || by_person)
        return rc;
    r->report->looked++;
    rc = judge_text(r, log, text, NULL, &record, &said, err);
    if (rc < 0 || said.act == POLICY_YES)
        return rc;
    if (said.act == POLICY_REFUSE && !r->dry) {
        take_away(r, ref, &record, &said);
        return 0;
    }
    r->report->held += said.act == POLICY_HOLD;
    r->report->refused += said.act == POLICY_REFUSE;
    if (r->dry)
        return 0;
    rc = payload_await(r->judge.store, log->number, index, err);
    return rc < 0 ? rc : entering_put_verdict(&r->judge, ref, &record, &said, err);
}

/* Contents of entries [first, first + count). */
static int review_part(struct review *r, const struct log_info *log, uint64_t first, size_t count, size_t *ret_covered,
                       struct err *err)
{
    struct buf items;
    struct payload_item item;
    buf_init(&items, PAYLOAD_BUNDLE_MAX + PAYLOAD_MAX + 65536);
    int rc = payload_read_bundle(r->judge.store, log->number, first, count, false, &items, ret_covered, err);
    struct payload_reader reader = {.bundle = buf_view(&items)};
    int more = 0;
    for (uint64_t index = first; rc == 0 && (more = payload_next(&reader, &item, err)) > 0; index++)
        if (!item.hole)
            rc = review_item(r, log, index, item.payload, err);
    buf_done(&items);
    return rc < 0 ? rc : more;
}

static int review_log(struct review *r, const struct log_info *log, struct err *err)
{
    struct store *store = r->judge.store;
    int rc = 0;
    for (uint64_t first = 0; rc == 0 && first < log->size;) {
        size_t covered = 0;
        size_t count = log->size - first < REVIEW_BATCH ? (size_t)(log->size - first) : REVIEW_BATCH;
        if (!r->dry)
            rc = store_begin(store, err);
        if (rc == 0)
            rc = review_part(r, log, first, count, &covered, err);
        if (rc == 0 && !r->dry)
            rc = store_commit(store, err);
        else if (!r->dry)
            store_rollback(store);
        if (rc == 0)
            rc = review_away(r, err);
        first += covered;
    }
    return rc;
}

int entering_review(struct store *store, int64_t now_ms, bool dry, struct entering_report *report, struct err *err)
{
    struct review r;
    struct numbers numbers = {0};
    struct log_info log;
    *report = (struct entering_report){0};
    int rc = review_open(&r, store, now_ms, report, err);
    r.dry = dry;
    if (rc == 0)
        rc = store_logs(store, take_mirrored, &numbers, err);
    for (size_t i = 0; i < numbers.count && rc == 0; i++)
        if ((rc = store_log(store, numbers.number[i], &log, err)) == 0)
            rc = review_log(&r, &log, err);
    free(numbers.number);
    review_close(&r);
    return rc;
}

/* ---- a person ---- */

/* What is here of it, in the arena and the buffer of the round; `ret_known` false: nothing, or no record. */
static int read_subject(struct review *r, int64_t ref, struct record *ret, bool *ret_known, struct err *err)
{
    struct payload_item item;
    struct err none = {0};
    *ret_known = false;
    int rc = payload_read(r->judge.store, RECORD_REF_LOG(ref), RECORD_REF_INDEX(ref), &r->item, NULL, &none);
    struct payload_reader reader = {.bundle = buf_view(&r->item)};
    if (rc == 0)
        rc = payload_next(&reader, &item, &none);
    if (rc < 0 && rc != ERR_NOTFOUND)
        return err_set(err, rc, "%s", none.text);
    *ret_known = rc > 0 && !item.hole && record_parse(item.payload, &r->arena, ret, &none) == 0;
    return 0;
}

static int decide_yes(struct review *r, struct log_info *log, int64_t ref, unsigned flags, struct err *err)
{
    struct record record;
    bool known = false;
    if (flags & SLOT_WAITING) {
        int rc = read_subject(r, ref, &record, &known, err);
        return rc < 0 ? rc : release(r, ref, known && record.tlp == TLP_CLEAR, err);
    }
    struct policy_verdict said;
    bool refused = false;
    int rc = flags & SLOT_HELD ? 0 : entering_refuses(r->judge.store, log, &refused, &said, err);
    if (rc == 0 && refused)
        return err_set(err, ERR_STATE,
                       "none of its author's contents is fetched, by line %u of the policy: change that first",
                       said.line);
    return rc == 0 && flags & SLOT_REFUSED ? want_again(r, log, ref, err) : rc;
}

/* May anybody here decide about it? */
static int check(struct review *r, int64_t ref, struct log_info *log, unsigned *ret_flags, struct err *err)
{
    int rc = store_log(r->judge.store, RECORD_REF_LOG(ref), log, err);
    if (rc == 0)
        rc = payload_flags(r->judge.store, log->number, RECORD_REF_INDEX(ref), ret_flags, err);
    if (rc < 0)
        return rc;
    if ((log->role == LOG_OWN || log->role == LOG_LOCAL) && r->decision->act == POLICY_REFUSE)
        return err_set(err, ERR_STATE, "%s lives on this node: what it says is taken back by `tongzhou erase`",
                       log->origin);
    if (*ret_flags & SLOT_INLINE)
        return err_set(err, ERR_STATE, "it stands in its log in full: no rule and nobody here decides about it");
    return *ret_flags & SLOT_ERASED ? err_set(err, ERR_STATE, "it is erased") : 0;
}

static int decide_released(struct review *r, struct log_info *log, unsigned flags, struct err *err)
{
    struct store *store = r->judge.store;
    int rc = store_begin(store, err);
    if (rc < 0)
        return rc;
    rc = decide_yes(r, log, r->decision->ref, flags, err);
    if (rc == 0)
        rc = decision_put(store, r->decision, err);
    if (rc == 0)
        return store_commit(store, err);
    store_rollback(store);
    return rc;
}

int entering_decide(struct store *store, struct decision *decision, struct err *err)
{
    struct review r;
    struct log_info log;
    struct entering_report report = {0};
    struct policy_verdict refused = {.act = POLICY_REFUSE, .reason = span_str(decision->reason)};
    struct record record;
    bool known = false;
    unsigned flags = 0;
    int rc = review_open(&r, store, decision->time_ms, &report, err);
    r.decision = decision;
    if (rc == 0)
        rc = check(&r, decision->ref, &log, &flags, err);
    if (rc == 0 && decision->act == POLICY_YES)
        rc = decide_released(&r, &log, flags, err);
    if (rc == 0 && decision->act == POLICY_REFUSE &&
        (rc = read_subject(&r, decision->ref, &record, &known, err)) == 0) {
        take_away(&r, decision->ref, known ? &record : NULL, &refused);
        rc = review_away(&r, err);
    }
    review_close(&r);
    return rc;
}
