#include "governance/desk.h"

#define DAY_MS INT64_C(86400000)

int desk_profile(const struct view *view, const char *origin, struct arena *arena, const char **ret_operator,
                 enum member_class *ret_class, struct err *err)
{
    struct log_info log;
    struct member *member = arena_alloc(arena, sizeof(*member));
    if (!member)
        return err_memory(err);
    int rc = store_log_by_origin(view->store, span_str(origin), &log, err);
    if (rc == 0 && log.size == 0)
        rc = err_set(err, ERR_NOTFOUND, "%s: no entry of its log is here", origin);
    if (rc == 0)
        rc = store_member(view->store, log.number, arena, member, err);
    if (rc < 0)
        return rc;
    *ret_operator = arena_strz(arena, span_str(member->profile.host[0] ? member->profile.host : origin));
    *ret_class = member->profile.class;
    return *ret_operator ? 0 : err_memory(err);
}

/* ---- sponsors ---- */

struct sponsors {
    const struct community *community;
    struct arena *arena;
    struct desk_request *request;
    const char *operators[ROSTER_SPONSORS_MAX];
};

/* A second one of an operator adds no voice, and is left out. */
static int add_sponsor(void *ctx, const char *origin, struct err *err)
{
    struct sponsors *all = ctx;
    struct desk_request *request = all->request;
    const struct community_member *line = community_find(all->community, origin);
    if (!line || line->word == WORD_LEFT || request->sponsor_count == ROSTER_SPONSORS_MAX)
        return 0;
    for (size_t i = 0; i < request->sponsor_count; i++)
        if (strcmp(all->operators[i], line->operator) == 0)
            return 0;
    all->operators[request->sponsor_count] = line->operator;
    request->sponsors[request->sponsor_count] = arena_strz(all->arena, span_str(origin));
    if (!request->sponsors[request->sponsor_count])
        return err_memory(err);
    request->voices = ++request->sponsor_count;
    return 0;
}

static uint64_t sponsors_needed(const struct community *community)
{
    uint64_t wanted = community->charter->sponsors;
    return wanted < community->operator_count ? wanted : community->operator_count;
}

/* ---- what waits ---- */

struct reading {
    const struct view *view;
    const struct community *community;
    struct arena *arena;
    int64_t now_ms;
    struct desk *desk;
};

static int add_departure(struct reading *reading, const struct governance_word *word, struct err *err)
{
    struct desk *desk = reading->desk;
    if (desk->departure_count == DESK_MAX)
        return 0;
    int64_t notice_ms = (int64_t)reading->community->charter->notice_days * DAY_MS;
    struct desk_departure *departure = &desk->departures[desk->departure_count++];
    *departure = (struct desk_departure){.origin = arena_strz(reading->arena, span_str(word->origin)),
                                         .message = arena_strz(reading->arena, span_str(word->message)),
                                         .time_ms = word->time_ms,
                                         .until_ms = word->time_ms + notice_ms};
    departure->due = departure->until_ms <= reading->now_ms;
    return departure->origin && departure->message ? 0 : err_memory(err);
}

static int add_request(struct reading *reading, const struct governance_word *word, struct err *err)
{
    struct desk *desk = reading->desk;
    if (desk->request_count == DESK_MAX)
        return 0;
    struct desk_request *request = &desk->requests[desk->request_count++];
    *request = (struct desk_request){.origin = arena_strz(reading->arena, span_str(word->origin)),
                                     .message = arena_strz(reading->arena, span_str(word->message)),
                                     .time_ms = word->time_ms,
                                     .needed = sponsors_needed(reading->community)};
    return request->origin && request->message ? 0 : err_memory(err);
}

static int add_word(void *ctx, const struct governance_word *word, struct err *err)
{
    struct reading *reading = ctx;
    bool listed = community_find(reading->community, word->origin) != NULL;
    if (word->left)
        return listed ? add_departure(reading, word, err) : 0;
    return listed ? 0 : add_request(reading, word, err);
}

static int complete(const struct reading *reading, struct desk_request *request, struct err *err)
{
    struct err absent = {0};
    struct sponsors sponsors = {.community = reading->community, .arena = reading->arena, .request = request};
    int rc =
        desk_profile(reading->view, request->origin, reading->arena, &request->operator, & request->class, &absent);
    request->known = rc == 0;
    if (request->known)
        request->operator_listed = strcmp(request->operator, request->origin) == 0 ||
                                   community_is_operator(reading->community, request->operator);
    return governance_sponsors(reading->view, reading->community->hash, request->origin, add_sponsor, &sponsors, err);
}

int desk_read(const struct view *view, const struct community *community, int64_t now_ms, struct arena *arena,
              struct desk *ret, struct err *err)
{
    struct reading reading = {.view = view, .community = community, .arena = arena, .now_ms = now_ms, .desk = ret};
    *ret = (struct desk){.requests = arena_array(arena, DESK_MAX, sizeof(struct desk_request)),
                         .departures = arena_array(arena, DESK_MAX, sizeof(struct desk_departure))};
    if (!ret->requests || !ret->departures)
        return err_memory(err);
    if (!community->charter)
        return 0;
    int rc = governance_words(view, community->hash, add_word, &reading, err);
    for (size_t i = 0; rc == 0 && i < ret->request_count; i++)
        rc = complete(&reading, &ret->requests[i], err);
    return rc;
}

/* ---- is it true? ---- */

static const struct desk_request *find_request(const struct desk *desk, const char *origin)
{
    for (size_t i = 0; i < desk->request_count; i++)
        if (strcmp(desk->requests[i].origin, origin) == 0)
            return &desk->requests[i];
    return NULL;
}

struct looking {
    const char *wanted;
    bool found;
};

static int look_for(void *ctx, const char *origin, struct err *err)
{
    struct looking *looking = ctx;
    (void)err;
    looking->found |= strcmp(origin, looking->wanted) == 0;
    return 0;
}

static int check_sponsors(const struct view *view, const struct community *community,
                          const struct roster_addition *addition, struct err *err)
{
    for (size_t i = 0; i < addition->sponsor_count; i++) {
        struct looking looking = {.wanted = addition->sponsors[i]};
        int rc = governance_sponsors(view, community->hash, addition->origin, look_for, &looking, err);
        if (rc < 0)
            return rc;
        if (!looking.found)
            return err_set(err, ERR_VERIFY, "%s: is said to be vouched for by %s, whose log does not say so",
                           addition->origin, looking.wanted);
    }
    return 0;
}

static int check_addition(const struct view *view, const struct community *community, const struct desk *desk,
                          const struct roster_addition *addition, struct arena *arena, struct err *err)
{
    const char *operator;
    enum member_class class;
    if (!community_find(community, addition->origin) && !find_request(desk, addition->origin))
        return err_set(err, ERR_VERIFY, "%s: has not asked to join, as far as its log is here", addition->origin);
    int rc = desk_profile(view, addition->origin, arena, &operator, & class, err);
    if (rc < 0)
        return rc == ERR_NOTFOUND ? err_set(err, ERR_VERIFY, "%s: its log is not here", addition->origin) : rc;
    if (strcmp(operator, addition->operator) != 0 || class != addition->class)
        return err_set(err, ERR_VERIFY, "%s: its profile says operator %s, class %s", addition->origin, operator,
                       member_class_word(class));
    return check_sponsors(view, community, addition, err);
}

static int check_removal(const struct desk *desk, const struct roster_removal *removal, struct err *err)
{
    if (removal->excluded)
        return 0; /* whoever endorses it excludes it: there is nothing to look up */
    for (size_t i = 0; i < desk->departure_count; i++)
        if (strcmp(desk->departures[i].origin, removal->origin) == 0)
            return desk->departures[i].due
                       ? 0
                       : err_set(err, ERR_VERIFY, "%s: has left, and its notice is not over", removal->origin);
    return err_set(err, ERR_VERIFY, "%s: has not left, as far as its log is here", removal->origin);
}

int desk_check(const struct view *view, const struct community *community, const struct roster_version *version,
               int64_t now_ms, struct arena *arena, struct err *err)
{
    struct desk desk;
    int rc = community_check_child(community, version, arena, err);
    if (rc == 0)
        rc = desk_read(view, community, now_ms, arena, &desk, err);
    for (size_t i = 0; rc == 0 && i < version->addition_count; i++)
        rc = check_addition(view, community, &desk, &version->additions[i], arena, err);
    for (size_t i = 0; rc == 0 && i < version->removal_count; i++)
        rc = check_removal(&desk, &version->removals[i], err);
    return rc;
}
