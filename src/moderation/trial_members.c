/* Whom a content is for, and whether they would get it: members of whom no rule tells one from the other are asked about once. */
#include <stdio.h>
#include <stdlib.h>

#include "moderation/trial_impl.h"

#define ASKED_MAX 40000000 /* decisions about members: some ten seconds */
#define AUDIENCE_COST 100  /* of those, that looking who is in an audience takes */

/* ---- who could look ---- */

static int add_member(void *ctx, const struct log_info *log, struct err *err)
{
    struct trying *t = ctx;
    if (log->role == LOG_OWN || log->role == LOG_LOCAL) /* for those that live here nothing leaves */
        return 0;
    if (t->member_count == t->member_cap) {
        size_t cap = t->member_cap ? 2 * t->member_cap : 64;
        struct viewer_row *grown = reallocarray(t->members, cap, sizeof(*grown));
        if (!grown)
            return err_memory(err);
        t->members = grown;
        t->member_cap = cap;
    }
    struct viewer_row *row = &t->members[t->member_count];
    struct store *store = t->view->store;
    if (!(row->origin = strdup(log->origin)))
        return err_memory(err);
    t->member_count++;
    int rc = rules_viewer(store, t->now.policy, span_str(log->origin), &row->now, err);
    return rc < 0 ? rc : rules_viewer(store, t->then.policy, span_str(log->origin), &row->then, err);
}

static int compare_bits(const struct policy_bits *now_a, const struct policy_bits *then_a,
                        const struct policy_bits *now_b, const struct policy_bits *then_b)
{
    int order = memcmp(now_a, now_b, sizeof(*now_a));
    return order ? order : memcmp(then_a, then_b, sizeof(*then_a));
}

static int by_bits(const void *x, const void *y)
{
    const struct viewer_row *a = x, *b = y;
    return compare_bits(&a->now, &a->then, &b->now, &b->then);
}

static int make_crowds(struct trying *t, struct err *err)
{
    if (t->member_count == 0)
        return 0;
    qsort(t->members, t->member_count, sizeof(*t->members), by_bits);
    if (!(t->crowds = calloc(t->member_count, sizeof(*t->crowds))))
        return err_memory(err);
    for (size_t i = 0; i < t->member_count; i++) {
        const struct viewer_row *row = &t->members[i];
        struct trial_crowd *last = t->crowd_count > 0 ? &t->crowds[t->crowd_count - 1] : NULL;
        if (last && compare_bits(&last->now, &last->then, &row->now, &row->then) == 0)
            last->count++;
        else
            t->crowds[t->crowd_count++] = (struct trial_crowd){row->now, row->then, i, 1};
    }
    return 0;
}

int trial_members_load(struct trying *t, struct err *err)
{
    int rc = store_logs(t->view->store, add_member, t, err);
    return rc < 0 ? rc : make_crowds(t, err);
}

void trial_members_free(struct trying *t)
{
    for (size_t i = 0; i < t->member_count; i++)
        free(t->members[i].origin);
    free(t->members);
    free(t->crowds);
}

/* ---- members that it is for ---- */

/* Its author gets it back without a rule. */
static bool leaves(const struct policy_verdict *said, bool is_author)
{
    return said->act == POLICY_YES || (said->line == 0 && is_author);
}

static int is_for(struct trying *t, const struct content *content, const char *origin, bool *ret, struct err *err)
{
    enum audience_verdict verdict;
    *ret = content->record->tlp == TLP_CLEAR;
    if (*ret)
        return 0;
    t->asked += AUDIENCE_COST;
    int rc = view_audience(t->view, span_str(origin), t->now.now_ms, span_str(content->log->origin), content->record,
                           &verdict, err);
    *ret = rc == 0 && audience_is_in(verdict);
    return rc;
}

/* Which way it changed for anybody: bit 0 they would get it, bit 1 no longer. */
static int ask_crowd(struct trying *t, const struct content *content, const struct trial_crowd *crowd, unsigned *io,
                     struct err *err)
{
    struct policy_verdict now, then;
    t->asked += 2;
    int rc = trial_ask(&t->now, &crowd->now, NULL, POLICY_SHARE, content, &now, err);
    if (rc == 0)
        rc = trial_ask(&t->then, &crowd->then, NULL, POLICY_SHARE, content, &then, err);
    if (rc == 0 && content->record->tlp != TLP_CLEAR)
        trial_match(t, then.line);
    if (rc < 0 || (now.act == then.act && (now.line == 0) == (then.line == 0)))
        return rc;
    for (size_t i = crowd->first; i < crowd->first + crowd->count; i++) {
        const char *origin = t->members[i].origin;
        bool is_author = strcmp(origin, content->log->origin) == 0, meant = false;
        bool before = leaves(&now, is_author), after = leaves(&then, is_author);
        if (before == after)
            continue;
        if ((rc = is_for(t, content, origin, &meant, err)) < 0)
            return rc;
        if (!meant)
            continue;
        struct trial_tally change = {.question = POLICY_SHARE,
                                     .from = before ? POLICY_YES : POLICY_REFUSE,
                                     .to = after ? POLICY_YES : POLICY_REFUSE,
                                     .to_members = true,
                                     .by = TRIAL_BY_VIEWER};
        snprintf(change.what, sizeof(change.what), "%s", origin);
        *io |= after ? 1u : 2u;
        if ((rc = tally_add(t->out, &change, err)) < 0)
            return rc;
    }
    return 0;
}

int trial_members_ask(struct trying *t, const struct content *content, bool *ret_changed, struct err *err)
{
    const struct record *record = content->record;
    unsigned ways = 0;
    int rc = 0;
    bool rules_only = record->tlp == TLP_CLEAR;
    if (content->log->role == LOG_LOCAL || content->waits ||
        (rules_only && !t->now.decides[POLICY_SHARE] && !t->then.decides[POLICY_SHARE]))
        return 0;
    if (t->asked > ASKED_MAX) {
        t->out->unasked++;
        return 0;
    }
    for (size_t i = 0; i < t->crowd_count && rc == 0; i++)
        rc = ask_crowd(t, content, &t->crowds[i], &ways, err);
    for (unsigned way = 1; way <= 2 && rc == 0; way++) {
        struct trial_tally change = {.question = POLICY_SHARE,
                                     .from = way == 1 ? POLICY_REFUSE : POLICY_YES,
                                     .to = way == 1 ? POLICY_YES : POLICY_REFUSE,
                                     .to_members = true};
        if (ways & way)
            rc = tally_add_content(t->out, &change, content->log, record->lang, err);
    }
    *ret_changed |= ways != 0;
    return rc;
}
