/* Members as viewers: which words reach them, and which contents they are for. */
#include <stdatomic.h>
#include <stdio.h>

#include "base/random.h"
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

uint64_t view_audience_mark(const struct view *view, struct span group)
{
    uint64_t mark = 0;
    for (size_t i = 0; capabilities[i]; i++)
        if (capabilities[i]->audience_mark)
            mark ^= capabilities[i]->audience_mark(view, group);
    return mark;
}

uint64_t view_membership_mark(const struct view *view, struct span member)
{
    uint64_t mark = 0;
    for (size_t i = 0; capabilities[i]; i++)
        if (capabilities[i]->membership_mark)
            mark ^= capabilities[i]->membership_mark(view, member);
    return mark;
}

int64_t view_group_record(const struct view *view, struct span group, int64_t time_ms)
{
    int64_t ref = -1;
    for (size_t i = 0; ref < 0 && capabilities[i]; i++)
        if (capabilities[i]->group_record)
            ref = capabilities[i]->group_record(view, group, time_ms);
    return ref;
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
                       int (*each)(void *ctx, struct span member, int64_t since_ms, struct err *err), void *ctx,
                       struct err *err)
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

bool view_admits(const struct view *view, const struct record *record)
{
    struct audience audience = {.tlp = record->tlp, .to = record->to, .to_count = record->to_count};
    switch (view->viewer.class) {
    case VIEWER_OPERATOR:
        return view->outlet != OUTLET_EXPORT || record->tlp != TLP_RED;
    case VIEWER_USER:
        if (view->viewer.guest && record->tlp != TLP_CLEAR && record->tlp != TLP_RED)
            return false; /* view_admits_guest knows more */
        return audience_admits_user(&audience, view->viewer.person ? span_str(view->viewer.person) : (struct span){0});
    case VIEWER_PUBLIC:
    case VIEWER_MEMBER:
        break;
    }
    return record->tlp == TLP_CLEAR;
}

int view_admits_guest(const struct view *view, struct span author, const struct record *record, bool *ret,
                      struct err *err)
{
    enum audience_verdict verdict;
    *ret = view_admits(view, record);
    if (*ret || !view->viewer.guest || record->tlp == TLP_RED || record->tlp == TLP_NONE)
        return 0;
    *ret = span_is(author, view->viewer.guest);
    if (*ret)
        return 0;
    int rc = view_audience(view, span_str(view->viewer.guest), view->viewer.time_ms, author, record, &verdict, err);
    *ret = rc == 0 && audience_is_in(verdict);
    return rc;
}

struct view_held view_held(const struct view *view)
{
    struct view_held held = {.least = TLP_RED + 1, .most = TLP_NONE}; /* nothing */
    for (int tlp = TLP_NONE; tlp <= TLP_RED && view_is_inside(view); tlp++) {
        struct record unaddressed = {.tlp = (enum tlp)tlp};
        if (!view_admits(view, &unaddressed))
            continue;
        held.least = held.least > TLP_RED ? tlp : held.least;
        held.most = tlp;
    }
    if (view->viewer.class == VIEWER_USER && view->viewer.person)
        held.person = span_str(view->viewer.person);
    return held;
}

/* ---- is a member in an audience? ---- */

/*
 * Has the index folded all that is here of this log? What a member is given by a group's list must not be decided by an
 * older one while a newer is here: until it is folded it is given nothing by that group, and is told again afterwards
 * (view_was_behind). This node's own people lose nothing by that, nor do they give anything away.
 */
static atomic_bool was_behind;

bool view_was_behind(void)
{
    return atomic_exchange(&was_behind, false);
}

bool view_is_folded(const struct view *view, struct span origin)
{
    struct log_info log;
    struct cursor cursor;
    struct err ignored;
    if (view->viewer.class != VIEWER_MEMBER || !view->index ||
        store_log_by_origin(view->store, origin, &log, &ignored) != 0)
        return true;
    bool is_at =
        cursor_get(view->index, log.number, &cursor, &ignored) == 0 && cursor_is_at(&cursor, &log, fold_end(&log));
    union {
        const struct view *shown;
        struct view *told;
    } both = {.shown = view};
    if (!is_at) {
        both.told->is_behind = true;
        atomic_store(&was_behind, true);
    }
    return is_at;
}

/* Who asks what of which group and when, as one number: under a key of this process, so that nobody makes two alike. */
static uint64_t group_key(struct span author, struct span group, struct span member, int64_t time_ms)
{
    uint8_t text[2 * ORIGIN_MAX + RECORD_LINE_MAX + 32];
    const struct span parts[] = {author, group, member, span_of(&time_ms, sizeof(time_ms))};
    size_t len = 0;
    for (size_t i = 0; i < 4; i++) {
        if (parts[i].len > 0xffff || len + 2 + parts[i].len > sizeof(text))
            return 0;
        text[len++] = (uint8_t)parts[i].len;
        text[len++] = (uint8_t)(parts[i].len >> 8);
        if (parts[i].len > 0)
            memcpy(text + len, parts[i].data, parts[i].len);
        len += parts[i].len;
    }
    return random_hash(span_of(text, len));
}

static bool look_since(const struct view *view, struct span author, struct span group, struct span member,
                       int64_t time_ms, int64_t *ret_since_ms)
{
    bool is_in = false;
    *ret_since_ms = INT64_MAX;
    for (size_t i = 0; capabilities[i]; i++) {
        int64_t since_ms = INT64_MIN;
        bool says = capabilities[i]->in_group_since
                        ? capabilities[i]->in_group_since(view, author, group, member, time_ms, &since_ms)
                        : capabilities[i]->in_group && capabilities[i]->in_group(view, group, member, time_ms);
        if (says && since_ms < *ret_since_ms)
            *ret_since_ms = since_ms;
        is_in |= says;
    }
    return is_in;
}

bool view_in_group_since(const struct view *view, struct span author, struct span group, struct span member,
                         int64_t time_ms, int64_t *ret_since_ms)
{
    /* What is looked up once is no part of what a view means. */
    union {
        const struct view *shown;
        struct view *cached;
    } both = {.shown = view};
    uint64_t key = group_key(author, group, member, time_ms);
    struct view_group_seen *seen = &both.cached->groups[key % VIEW_GROUPS_CACHED];
    *ret_since_ms = INT64_MAX;
    if (!view_is_folded(view, audience_group_origin(group)))
        return false;
    if (key == 0)
        return look_since(view, author, group, member, time_ms, ret_since_ms);
    if (seen->key != key) {
        seen->is_in = look_since(view, author, group, member, time_ms, &seen->since_ms);
        seen->key = key;
    }
    *ret_since_ms = seen->since_ms;
    return seen->is_in;
}

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

/* The same for what both say of their community. */
static bool same_community_now(const struct view *view, struct span author, struct span member)
{
    return view_same_community(view, author, member) && view_is_folded(view, author) && view_is_folded(view, member);
}

int view_audience(const struct view *view, struct span member, int64_t time_ms, struct span author,
                  const struct record *record, enum audience_verdict *ret, struct err *err)
{
    struct span groups[RECORD_LINES_MAX], guests[RECORD_LINES_MAX];
    struct audience audience = {record->tlp, author, record->to, record->to_count};
    struct audience_who who = {.origin = member, .groups = groups, .guests = guests};
    /* A list may have been made by the clock by which this was said, which is ahead of ours. */
    int64_t said_ms = record->has_time ? record->time_ms : INT64_MIN, since_ms;
    int64_t now_ms = said_ms > time_ms ? said_ms : time_ms;
    *ret = audience_admits(&audience, &who); /* most often that is all */
    if (audience_is_in(*ret) || (*ret != AUDIENCE_NOT_NAMED && record->tlp != TLP_GREEN))
        return 0;
    for (size_t i = 0; i < record->to_count; i++) {
        struct span to = record->to[i];
        bool is_guest = false;
        if (audience_is_group(to)) {
            if (!view_in_group_since(view, author, to, member, now_ms, &since_ms))
                continue;
            if (said_ms >= since_ms)
                groups[who.group_count++] = to;
            else
                who.came_later = true;
            continue;
        }
        int rc = record->tlp == TLP_AMBER ? is_guest_of(view, to, member, &is_guest, err) : 0;
        if (rc < 0)
            return rc;
        if (is_guest)
            guests[who.guest_count++] = to;
    }
    who.same_community = record->tlp == TLP_GREEN && same_community_now(view, author, member);
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
    const struct view *view;
    struct reach *reach;
};

static int reach_group(void *ctx, struct span group, struct err *err)
{
    struct group_search *search = ctx;
    const struct view *view = search->view;
    struct span member = span_str(view->viewer.origin);
    /* It only chooses where to look: now, when a list of tomorrow may leave it out, and by clocks that are ahead of ours. */
    if (!view_is_folded(view, audience_group_origin(group)) ||
        (!view_in_group(view, group, member, view->viewer.time_ms) && !view_in_group(view, group, member, INT64_MAX)))
        return 0;
    return reach_find(view->store, group, search->reach, err);
}

/* Groups are looked for where they matter: among all for telling of news, else in the bundles that are asked for. */
int view_reach(struct view *view, struct err *err)
{
    struct group_search search = {view, &view->reach};
    int rc = reach_count(view->store, &view->came, err);
    if (rc == 0)
        rc = reach_find(view->store, span_str(view->viewer.origin), &view->reach, err);
    if (rc == 0 && view->outlet == OUTLET_HTTP_HEADS && view_knows_groups())
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
    struct group_search search = {view, &reach};
    bool is_there = false;
    int rc = 0;
    if (view_knows_communities() && same_community_now(view, span_str(log->origin), span_str(view->viewer.origin)))
        rc = reach_find(view->store, SPAN_LIT(REACH_COMMUNITY), &reach, err);
    if (rc == 0 && view_knows_groups())
        rc = reach_groups_in(view->store, log->number, first, count, reach_group, &search, err);
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
        if (!same_community_now(filter->view, span_str(log->origin), span_str(filter->view->viewer.origin)))
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
