/*
 * What policy says about contents that leave. Asked of whatever the public may see by its marking, or a member by its
 * audience, and in one place: each function of view.h that gives a content's text, or says that there is one, comes through
 * here.
 */
#include <string.h>
#include <time.h>

#include "index/crowd.h"
#include "index/internal.h"
#include "index/view.h"

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* The policy in force, once a view, and only if something is to leave that it may be about: tiles cost no look at it. */
static void prepare(struct view *view)
{
    struct err ignored;
    view->is_prepared = view->is_asked = true;
    if (judge_open(&view->judge, view->store, now_ms(), &ignored) < 0) {
        view->judge.policy = NULL; /* then nothing leaves */
        return;
    }
    view->is_asked = view->judge.decides[POLICY_SHARE];
    if (view->viewer.class != VIEWER_MEMBER)
        policy_viewer(view->judge.policy, NULL, &view->looker);
    else if (rules_viewer(view->store, view->judge.policy, span_str(view->viewer.origin), &view->looker, &ignored) < 0)
        view->judge.policy = NULL;
}

/* The policy in force as it is about this viewer. NULL: nothing leaves for him. */
static const struct judge *judge_of(const struct view *view)
{
    /* What is looked up once is no part of what a view means, so a const view may be prepared. */
    union {
        const struct view *shown;
        struct view *cached;
    } both = {.shown = view};
    if (!view->is_prepared)
        prepare(both.cached);
    return view->judge.policy ? &view->judge : NULL;
}

bool view_asks(const struct view *view)
{
    return !view_is_inside(view) && (!judge_of(view) || view->is_asked);
}

/* Whatever it is, its author has said it: only a rule may keep it from him. */
static bool is_author(const struct view *view, const struct log_info *log)
{
    return view->viewer.class == VIEWER_MEMBER && strcmp(view->viewer.origin, log->origin) == 0;
}

static bool is_yes(const struct view *view, const struct log_info *log, const struct policy_verdict *said)
{
    return said->act == POLICY_YES || (said->line == 0 && is_author(view, log));
}

/* The whole question; what of the content is the same for all viewers is looked up once. */
static bool lets_leave(const struct view *view, struct view_content *content, struct policy_verdict *ret)
{
    struct err ignored;
    struct judge_case about = {
        .question = POLICY_SHARE, .log = content->log, .record = content->record, .bytes = content->bytes};
    const struct judge *judge = judge_of(view);
    *ret = (struct policy_verdict){.act = POLICY_REFUSE};
    if (judge && !content->is_ready)
        content->is_ready = judge_prepare(judge, &about, &content->ready, &ignored) == 0;
    if (!judge || !content->is_ready)
        return false;
    judge_decide_for(judge, &content->ready, &view->looker, ret);
    return is_yes(view, content->log, ret);
}

bool view_shares(const struct view *view, const struct log_info *log, const struct record *record, size_t bytes)
{
    struct view_content content = {.log = log, .record = record, .bytes = bytes};
    struct policy_verdict verdict;
    if (view_is_inside(view) || (record->tlp == TLP_CLEAR && !view_asks(view)))
        return true;
    return lets_leave(view, &content, &verdict);
}

int view_gives(const struct view *view, struct view_content *content, struct view_answer *ret, struct err *err)
{
    struct span member = view->viewer.class == VIEWER_MEMBER ? span_str(view->viewer.origin) : (struct span){0};
    *ret = (struct view_answer){.policy = {.act = POLICY_OPEN}};
    int rc = 0;
    if (content->crowd)
        ret->audience = crowd_audience(content->crowd, member);
    else
        rc = view_audience(view, member, view->viewer.time_ms, span_str(content->log->origin), content->record,
                           &ret->audience, err);
    /* Who got what is for persons keeps it: only its author gives it out, and whoever has it gives it back to the author. */
    bool may_go = content->record->tlp != TLP_RED || content->log->role == LOG_OWN || ret->audience == AUDIENCE_AUTHOR;
    if (rc == 0 && may_go && audience_is_in(ret->audience))
        ret->is_given = lets_leave(view, content, &ret->policy);
    return rc;
}

struct view view_as(const struct view *view, const char *member, int64_t time_ms)
{
    struct viewer viewer = {.class = member ? VIEWER_MEMBER : VIEWER_PUBLIC, .origin = member, .time_ms = time_ms};
    return (struct view){.store = view->store, .index = view->index, .viewer = viewer, .outlet = OUTLET_HTTP_LOGS};
}

int view_turn(struct view *view, const struct log_info *member, struct err *err)
{
    view->viewer.origin = member->origin;
    if (!view->is_prepared || !view->judge.policy) /* looked up with the first question */
        return 0;
    return rules_viewer_log(view->store, view->judge.policy, member, &view->looker, err);
}

bool view_may_share(const struct view *view, const struct log_info *log)
{
    struct policy_verdict verdict;
    struct err ignored;
    struct judge_case about = {.question = POLICY_SHARE, .log = log, .viewer = &view->looker};
    const struct judge *judge = judge_of(view);
    return judge && judge_decide(judge, &about, &verdict, &ignored) == 0 &&
           (verdict.act == POLICY_OPEN || is_yes(view, log, &verdict));
}

enum view_sharing view_sharing(const struct view *view, const struct log_info *log)
{
    struct policy_bits author;
    struct policy_known known;
    struct policy_verdict verdict;
    struct err ignored;
    if (!view_asks(view))
        return SHARING_ALL;
    if (!judge_of(view) || rules_author(view->store, view->judge.policy, log, &author, &ignored) < 0)
        return SHARING_NONE;
    policy_known_tlp(view->judge.policy, TLP_CLEAR, &known);
    policy_decide(view->judge.policy, POLICY_SHARE, &author, &view->looker, &known, NULL, &verdict);
    return verdict.act == POLICY_YES ? SHARING_ALL : verdict.act == POLICY_OPEN ? SHARING_SOME : SHARING_NONE;
}

/*
 * The items of `out` from `begin` on, once more, with holes where policy says no. What is for few has been asked about
 * already (view_audience.c), and what holds for all that is CLEAR says nothing of it.
 */
int view_share_filter(const struct view *view, const struct log_info *log, size_t begin, struct buf *out,
                      struct err *err)
{
    enum view_sharing sharing = view_sharing(view, log);
    struct arena arena;
    struct buf kept;
    struct payload_item item;
    bool looks = sharing == SHARING_SOME || view->viewer.class == VIEWER_MEMBER;
    int more;
    if (sharing == SHARING_ALL)
        return 0;
    arena_init(&arena, 1u << 20);
    buf_init(&kept, PAYLOAD_BUNDLE_MAX + PAYLOAD_MAX + 65536);
    struct payload_reader reader = {.bundle = span_sub(buf_view(out), begin, out->len)};
    while ((more = payload_next(&reader, &item, err)) > 0) {
        struct record record;
        struct err unread;
        arena_clear(&arena);
        if (!item.hole && looks && record_parse(item.payload, &arena, &record, &unread) == 0 &&
            view_shares(view, log, &record, item.payload.len))
            buf_span(&kept, item.raw);
        else
            payload_add_hole(&kept);
    }
    if (more == 0)
        more = buf_check(&kept, "payloads", err);
    if (more == 0) {
        buf_cut(out, begin);
        buf_span(out, buf_view(&kept));
    }
    buf_done(&kept);
    arena_done(&arena);
    return more < 0 ? more : buf_check(out, "payloads", err);
}
