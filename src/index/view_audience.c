/* Members as viewers: which words reach them, and which contents they are for. */
#include <stdio.h>

#include "index/capability.h"
#include "index/internal.h"
#include "index/view.h"

#define AUDIENCE_ARENA_MAX (1u << 20) /* bytes: header lines of one record */

/* ---- what only capabilities know ---- */

bool view_in_group(const struct view *view, struct span group, struct span member, int64_t time_ms)
{
    for (size_t i = 0; capabilities[i]; i++)
        if (capabilities[i]->in_group && capabilities[i]->in_group(view, group, member, time_ms))
            return true;
    return false;
}

bool view_same_community(const struct view *view, struct span a, struct span b)
{
    for (size_t i = 0; capabilities[i]; i++)
        if (capabilities[i]->same_community && capabilities[i]->same_community(view, a, b))
            return true;
    return false;
}

enum group_state view_group_state(const struct view *view, struct span group)
{
    for (size_t i = 0; capabilities[i]; i++) {
        enum group_state state =
            capabilities[i]->group_state ? capabilities[i]->group_state(view, group) : GROUP_UNKNOWN;
        if (state != GROUP_UNKNOWN)
            return state;
    }
    return GROUP_UNKNOWN;
}

bool view_knows_many(void)
{
    for (size_t i = 0; capabilities[i]; i++)
        if ((capabilities[i]->in_group && !capabilities[i]->each_in_group) ||
            (capabilities[i]->same_community && !capabilities[i]->each_of_community))
            return false;
    return true;
}

int view_each_in_group(const struct view *view, struct span group, int64_t time_ms,
                       int (*each)(void *ctx, struct span member, struct err *err), void *ctx, struct err *err)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && capabilities[i]; i++)
        if (capabilities[i]->each_in_group)
            rc = capabilities[i]->each_in_group(view, group, time_ms, each, ctx, err);
    return rc;
}

int view_each_of_community(const struct view *view, struct span member,
                           int (*each)(void *ctx, struct span other, struct err *err), void *ctx, struct err *err)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && capabilities[i]; i++)
        if (capabilities[i]->each_of_community)
            rc = capabilities[i]->each_of_community(view, member, each, ctx, err);
    return rc;
}

bool view_knows_groups(void)
{
    for (size_t i = 0; capabilities[i]; i++)
        if (capabilities[i]->in_group)
            return true;
    return false;
}

bool view_knows_communities(void)
{
    for (size_t i = 0; capabilities[i]; i++)
        if (capabilities[i]->same_community)
            return true;
    return false;
}

/* ---- those of this node ---- */

bool view_admits_tlp(const struct view *view, enum tlp tlp)
{
    switch (view->viewer.class) {
    case VIEWER_OPERATOR:
        return true;
    case VIEWER_USER:
        return audience_admits_user(tlp);
    case VIEWER_PUBLIC:
    case VIEWER_MEMBER:
        break;
    }
    return tlp == TLP_CLEAR;
}

void view_tlp_range(const struct view *view, int *ret_least, int *ret_most)
{
    *ret_least = TLP_RED + 1; /* nothing */
    *ret_most = TLP_NONE;
    for (int tlp = TLP_NONE; tlp <= TLP_RED && view_is_inside(view); tlp++) {
        if (!view_admits_tlp(view, (enum tlp)tlp))
            continue;
        *ret_least = *ret_least > TLP_RED ? tlp : *ret_least;
        *ret_most = tlp;
    }
}

/* ---- is a member in an audience? ---- */

int view_host_of(const struct view *view, struct span guest, char ret[ORIGIN_MAX + 1], struct err *err)
{
    struct log_info log;
    struct member member;
    struct arena arena;
    struct err unknown;
    ret[0] = '\0';
    int rc = store_log_by_origin(view->store, guest, &log, &unknown);
    if (rc == 0 && log.size > 0) {
        arena_init(&arena, AUDIENCE_ARENA_MAX);
        rc = store_member(view->store, log.number, &arena, &member, &unknown);
        if (rc == 0)
            snprintf(ret, ORIGIN_MAX + 1, "%s", member.profile.host);
        arena_done(&arena);
    }
    return rc == ERR_IO || rc == ERR_MEMORY ? err_set(err, rc, "%s", unknown.text) : 0;
}

/* Does `guest` say of itself that it lives on the node of `host`? */
static int is_guest_of(const struct view *view, struct span guest, struct span host, bool *ret, struct err *err)
{
    char said[ORIGIN_MAX + 1];
    int rc = view_host_of(view, guest, said, err);
    *ret = rc == 0 && said[0] != '\0' && span_is(host, said);
    return rc;
}

int view_audience(const struct view *view, struct span member, int64_t time_ms, struct span author,
                  const struct record *record, enum audience_verdict *ret, struct err *err)
{
    struct span groups[RECORD_LINES_MAX], guests[RECORD_LINES_MAX];
    struct audience audience = {record->tlp, author, record->to, record->to_count};
    struct audience_who who = {.origin = member, .groups = groups, .guests = guests};
    *ret = audience_admits(&audience, &who); /* most often that is all */
    if (audience_is_in(*ret) || (*ret != AUDIENCE_NOT_NAMED && record->tlp != TLP_GREEN))
        return 0;
    for (size_t i = 0; i < record->to_count; i++) {
        struct span to = record->to[i];
        bool is_guest = false;
        if (audience_is_group(to)) {
            if (view_in_group(view, to, member, time_ms))
                groups[who.group_count++] = to;
            continue;
        }
        int rc = record->tlp == TLP_AMBER ? is_guest_of(view, to, member, &is_guest, err) : 0;
        if (rc < 0)
            return rc;
        if (is_guest)
            guests[who.guest_count++] = to;
    }
    who.same_community = record->tlp == TLP_GREEN && view_same_community(view, author, member);
    *ret = audience_admits(&audience, &who);
    return 0;
}

/* ---- a member's view ---- */

enum view_hearing view_hearing(const struct log_info *member)
{
    if (member->size == 0 || member->role == LOG_LOCAL || member->role == LOG_LISTED)
        return HEARING_UNKNOWN;
    return member->standing == STANDING_GOOD ? HEARING_GOOD : HEARING_SUSPENDED;
}

struct group_search {
    struct view *view;
    struct span member;
};

static int reach_group(void *ctx, struct span group, struct err *err)
{
    struct group_search *search = ctx;
    struct view *view = search->view;
    if (!view_in_group(view, group, search->member, view->viewer.time_ms))
        return 0;
    return reach_find(view->store, group, &view->reach, err);
}

int view_reach(struct view *view, struct err *err)
{
    struct group_search search = {view, span_str(view->viewer.origin)};
    int rc = reach_find(view->store, search.member, &view->reach, err);
    if (rc == 0 && view_knows_groups())
        rc = reach_groups(view->store, reach_group, &search, err);
    return rc;
}

static _Atomic uint64_t restricted_given;

uint64_t view_restricted_given(void)
{
    return restricted_given;
}

struct chooser {
    const struct view *view;
    const struct log_info *log;
    struct arena arena;
};

static int choose(void *ctx, uint64_t index, struct span payload, bool *ret, struct err *err)
{
    struct chooser *chooser = ctx;
    struct view_answer answer;
    struct record record;
    struct err unread;
    (void)index;
    *ret = false;
    arena_clear(&chooser->arena);
    int rc = record_parse(payload, &chooser->arena, &record, &unread);
    if (rc < 0)
        return rc == ERR_MEMORY ? err_set(err, rc, "%s", unread.text) : 0;
    struct view_content content = {.log = chooser->log, .record = &record, .bytes = payload.len};
    rc = view_gives(chooser->view, &content, &answer, err);
    *ret = rc == 0 && answer.is_given;
    restricted_given += *ret && record.tlp != TLP_CLEAR;
    return rc;
}

int view_payloads_for(const struct view *view, const struct log_info *log, uint64_t first, size_t count,
                      struct buf *out, size_t *ret_count, struct err *err)
{
    struct reach reach = view->reach;
    bool is_there = false;
    int rc = 0;
    if (view_knows_communities() && view_same_community(view, span_str(log->origin), span_str(view->viewer.origin)))
        rc = reach_find(view->store, SPAN_LIT(REACH_COMMUNITY), &reach, err);
    if (rc == 0)
        rc = reach_is_in(view->store, &reach, log->number, first, count, &is_there, err);
    if (rc < 0)
        return rc;
    if (!is_there || !view_may_share(view, log))
        return payload_read_bundle(view->store, log->number, first, count, true, out, ret_count, err);
    struct chooser chooser = {.view = view, .log = log};
    struct payload_choice choice = {choose, &chooser};
    arena_init(&chooser.arena, AUDIENCE_ARENA_MAX);
    rc = payload_read_chosen(view->store, log->number, first, count, &choice, out, ret_count, err);
    arena_done(&chooser.arena);
    return rc;
}

/* ---- what came for it ---- */

struct came_filter {
    const struct view *view;
    const struct reach *told; /* words whose logs were told of already; NULL: none */
    int64_t reached;
    int (*each)(void *ctx, const struct log_info *log, struct err *err);
    void *ctx;
};

static int filter_came(void *ctx, const struct log_info *log, struct err *err)
{
    struct came_filter *filter = ctx;
    bool was_told = false;
    int rc = 0;
    if (!view_sees_log(filter->view, log) || !view_may_share(filter->view, log))
        return 0;
    if (filter->told) {
        if (!view_same_community(filter->view, span_str(log->origin), span_str(filter->view->viewer.origin)))
            return 0;
        rc = reach_came(filter->view->store, filter->told, log->number, filter->reached, &was_told, err);
    }
    return rc < 0 || was_told ? rc : filter->each(filter->ctx, log, err);
}

int view_heads_came(const struct view *view, int64_t since, int64_t reached, size_t max,
                    int (*each)(void *ctx, const struct log_info *log, struct err *err), void *ctx,
                    int64_t *ret_reached, struct err *err)
{
    struct came_filter filter = {.view = view, .reached = reached, .each = each, .ctx = ctx};
    struct reach community = {.count = 0};
    struct reach_told told, more = {.reached = reached};
    *ret_reached = reached;
    if (view->viewer.class != VIEWER_MEMBER || max == 0)
        return 0;
    int rc = reach_heads(view->store, &view->reach, since, reached, max / 2, filter_came, &filter, &told, err);
    if (rc == 0 && view_knows_communities())
        rc = reach_find(view->store, SPAN_LIT(REACH_COMMUNITY), &community, err);
    filter.told = &view->reach;
    if (rc == 0 && community.count > 0)
        rc = reach_heads(view->store, &community, since, reached, max / 2, filter_came, &filter, &more, err);
    if (rc == 0) /* behind the last of both; what was told behind where one was cut is told again */
        *ret_reached = told.is_cut && (!more.is_cut || told.reached < more.reached) ? told.reached
                       : more.is_cut || more.reached > told.reached                 ? more.reached
                                                                                    : told.reached;
    return rc;
}
