#include "index/judge.h"

#include <time.h>

#include "index/index.h"
#include "index/view.h"

static bool in_group_now(void *ctx, struct store *store, struct span group, struct span member)
{
    struct view view = {.store = store, .index = ctx, .viewer = {.class = VIEWER_OPERATOR}};
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return view_in_group(&view, group, member, (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000);
}

static void close_index(void *ctx)
{
    index_close(ctx);
}

/* Whoever could say who is in a group, as the index is now. */
static int know_groups(struct store *store, struct err *err)
{
    const struct rules_groups *known = rules_groups(store);
    struct rules_groups groups = {in_group_now, close_index, NULL};
    struct index *index = NULL;
    if (known)
        return index_refresh(known->ctx, err);
    int rc = index_open(store_dir(store), &index, err);
    if (rc < 0)
        return rc;
    groups.ctx = index;
    rules_set_groups(store, &groups);
    return 0;
}

int judge_open_with(struct judge *judge, struct store *store, const struct policy *policy, int64_t now_ms,
                    struct err *err)
{
    *judge = (struct judge){.store = store, .policy = policy, .now_ms = now_ms};
    for (enum policy_question q = 0; q < POLICY_QUESTIONS; q++) {
        judge->decides[q] = policy_decides(policy, q);
        judge->scores[q] = policy_looks_at_score(policy, q);
    }
    return policy_looks_at_groups(policy) ? know_groups(store, err) : 0;
}

int judge_open(struct judge *judge, struct store *store, int64_t now_ms, struct err *err)
{
    const struct policy *policy;
    struct rules_version version;
    int rc = rules_policy(store, &policy, &version, err);
    if (rc == 0)
        rc = judge_open_with(judge, store, policy, now_ms, err);
    if (rc < 0)
        return rc;
    judge->version = version;
    return 0;
}

/* By the capability that the kind belongs to. */
static uint64_t score_of(const struct record *record)
{
    const struct capability *capability = capability_of(record->kind, NULL);
    return capability && capability->score ? capability->score(record) : POLICY_NONE;
}

static uint64_t age_s(const struct record *record, int64_t now_ms)
{
    if (!record->has_time)
        return POLICY_NONE;
    return record->time_ms < now_ms ? (uint64_t)(now_ms - record->time_ms) / 1000 : 0;
}

void judge_known(const struct judge *judge, enum policy_question question, const struct record *record, size_t bytes,
                 struct policy_known *ret)
{
    struct policy_content content = {.kind = record->kind,
                                     .language = record->lang,
                                     .tlp = record->tlp,
                                     .score = judge->scores[question] ? score_of(record) : POLICY_NONE,
                                     .size = bytes,
                                     .age_s = age_s(record, judge->now_ms)};
    policy_known(judge->policy, &content, ret);
}

int judge_prepare(const struct judge *judge, const struct judge_case *about, struct judge_ready *ret, struct err *err)
{
    ret->question = about->question;
    ret->counts = about->counts;
    if (about->record)
        judge_known(judge, about->question, about->record, about->bytes, &ret->known);
    else
        policy_known_nothing(judge->policy, &ret->known);
    return rules_author(judge->store, judge->policy, about->log, &ret->author, err);
}

void judge_decide_for(const struct judge *judge, const struct judge_ready *ready, const struct policy_bits *viewer,
                      struct policy_verdict *ret)
{
    policy_decide(judge->policy, ready->question, &ready->author, viewer, &ready->known, ready->counts, ret);
}

int judge_decide(const struct judge *judge, const struct judge_case *about, struct policy_verdict *ret, struct err *err)
{
    struct judge_ready ready;
    int rc = judge_prepare(judge, about, &ready, err);
    if (rc == 0)
        judge_decide_for(judge, &ready, about->viewer, ret);
    return rc;
}
