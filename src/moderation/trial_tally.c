/* What came of a trial, counted. */
#include <stdio.h>
#include <stdlib.h>

#include "http/page.h"
#include "moderation/trial_impl.h"

#define TALLY_MAX 4096 /* different changes, authors, languages, viewers that are told apart */

bool trial_same_change(const struct trial_tally *a, const struct trial_tally *b)
{
    return a->question == b->question && a->from == b->from && a->to == b->to && a->to_members == b->to_members;
}

int tally_add(struct trial *t, const struct trial_tally *change, struct err *err)
{
    for (size_t i = 0; i < t->tally_count; i++) {
        struct trial_tally *known = &t->tallies[i];
        if (trial_same_change(known, change) && known->by == change->by && strcmp(known->what, change->what) == 0) {
            known->count++;
            return 0;
        }
    }
    if (t->tally_count == TALLY_MAX) {
        t->cut++;
        return 0;
    }
    if (!t->tallies && !(t->tallies = calloc(TALLY_MAX, sizeof(*t->tallies))))
        return err_memory(err);
    t->tallies[t->tally_count] = *change;
    t->tallies[t->tally_count++].count = 1;
    return 0;
}

int tally_add_content(struct trial *t, struct trial_tally *change, const struct log_info *log, struct span lang,
                      struct err *err)
{
    snprintf(change->what, sizeof(change->what), "%s", log->origin);
    change->by = TRIAL_BY_AUTHOR;
    int rc = tally_add(t, change, err);
    if (rc < 0 || lang.len == 0)
        return rc;
    snprintf(change->what, sizeof(change->what), "%.*s", (int)(lang.len < 64 ? lang.len : 64), (const char *)lang.data);
    change->by = TRIAL_BY_LANGUAGE;
    return tally_add(t, change, err);
}

static int by_change(const void *x, const void *y)
{
    const struct trial_tally *a = x, *b = y;
    if (!trial_same_change(a, b))
        return a->question != b->question       ? (a->question > b->question ? 1 : -1)
               : a->to_members != b->to_members ? (a->to_members ? 1 : -1)
               : a->from != b->from             ? (a->from > b->from ? 1 : -1)
                                                : (a->to > b->to ? 1 : -1);
    if (a->by != b->by)
        return a->by > b->by ? 1 : -1;
    return a->count != b->count ? (a->count < b->count ? 1 : -1) : strcmp(a->what, b->what);
}

void tally_sort(struct trial *t)
{
    if (t->tally_count > 1)
        qsort(t->tallies, t->tally_count, sizeof(*t->tallies), by_change);
}

const char *trial_act_words(const struct trial_tally *tally, enum policy_act act)
{
    static const char *const yes[POLICY_QUESTIONS] = {"", TR_MARK("accepted"), TR_MARK("shared with the public"),
                                                      TR_MARK("takes effect")};
    static const char *const no[POLICY_QUESTIONS] = {"", TR_MARK("refused"), TR_MARK("not shared"),
                                                     TR_MARK("takes no effect")};
    switch (act) {
    case POLICY_YES:
        return tally->to_members ? TR_MARK("shared with members") : yes[tally->question];
    case POLICY_HOLD:
        return TR_MARK("held");
    case POLICY_REFUSE:
        return no[tally->question];
    case POLICY_FULL:
        return TR_MARK("all contents");
    case POLICY_RECENT:
        return TR_MARK("recent contents");
    case POLICY_HEADS:
        return TR_MARK("no contents");
    case POLICY_LEAVE:
        return TR_MARK("not pulled");
    case POLICY_OPEN:
        break;
    }
    return TR_MARK("as it is set");
}
