#include "connect/publishing.h"

#include <stdio.h>

#include "base/utf8.h"
#include "index/capability.h"
#include "state/author.h"

#define GROUP_ARENA_MAX ((size_t)2 * PAYLOAD_MAX) /* bytes: the record that says who is in a group */

bool publishing_is_person(struct span typed)
{
    return span_find(typed, ' ') < typed.len || audience_is_person(typed);
}

enum publishing_fault publishing_check(enum tlp tlp, struct publishing_count named, bool keep)
{
    size_t count = named.all;
    if (count > AUDIENCE_TO_MAX)
        return PUBLISHING_TOO_MANY;
    if (keep && count > 0)
        return PUBLISHING_KEPT_AND_NAMED;
    if (keep && tlp == TLP_CLEAR)
        return PUBLISHING_CLEAR_KEPT;
    if (count > 0 && tlp == TLP_CLEAR)
        return PUBLISHING_CLEAR_NAMED;
    if (tlp == TLP_RED && named.persons < count)
        return PUBLISHING_RED_MEMBERS;
    if (tlp != TLP_RED && named.persons > 0)
        return PUBLISHING_PERSONS_NOT_RED;
    return count == 0 && !keep && tlp >= TLP_AMBER ? PUBLISHING_NOBODY : PUBLISHING_RIGHT;
}

bool publishing_kind_valid(struct span kind)
{
    return record_kind_valid(kind) && !kind_constitutional(kind) && !span_is(kind, "seal");
}

/* ---- whom a name means ---- */

static int refuse(struct err *err, int code, struct span typed, const char *why)
{
    char shown[4 * RECORD_LINE_MAX];
    return err_set(err, code, "%.300s: %s", text_escape_into(shown, sizeof(shown), span_sub(typed, 0, RECORD_LINE_MAX)),
                   why);
}

/* A member's log that is here: only so can its signature be checked when it asks. */
static int resolve_member(const struct view *view, struct span typed, bool may_be_local, char *out, struct err *err)
{
    struct log_info log;
    struct err unknown;
    int rc = view_log_find(view, typed, &log, &unknown);
    if (rc < 0)
        return refuse(err, rc, typed, unknown.text);
    if (log.role == LOG_LOCAL && !may_be_local)
        return refuse(err, ERR_REFUSED, typed, "a local log, of which others do not hear");
    if (log.size == 0 || log.role == LOG_LISTED)
        return refuse(err, ERR_STATE, typed,
                      "nothing of its log is here yet, so its requests could not be told from others': `tongzhou "
                      "sync`, or `tongzhou follow` it, first");
    snprintf(out, ORIGIN_MAX + 1, "%s", log.origin);
    return 0;
}

/* Why nobody is reached by this group, and what to do; NULL: somebody may be. */
static const char *group_words(enum group_state state)
{
    static const char *const words[] = {
        [GROUP_UNKNOWN] = "no such group is known here: its owner publishes it, and its log has to come here first",
        [GROUP_STANDS] = NULL,
        [GROUP_ENDED] = "that group has ended: name its members, or another group",
        [GROUP_EMPTY] = "nobody is in that group: name members, or another group",
        [GROUP_OWNER_LEFT] =
            "its owner has left its communities, and with it the group has ended: name members, or another group",
        [GROUP_OWNER_FROZEN] =
            "its owner's log is forked, and nobody is in the group until that is settled: name members"};
    return words[state];
}

/* Whether there is such a person only that member's node knows: until there is, it waits there, and nobody sees it. */
static int resolve_person(const struct view *view, struct span typed, bool may_be_local, char *out, struct err *err)
{
    struct span member = audience_person_origin(typed);
    if (!audience_is_person(typed))
        member = span_sub(typed, 0, span_find(typed, ' '));
    struct span name = span_trim(span_sub(typed, member.len + 1, typed.len));
    if (!audience_person_name_valid(name))
        return refuse(err, ERR_SYNTAX, typed,
                      "MEMBER PERSON is needed; a person's name is that of an account on the member's node, 1 to 64 of "
                      "a-z, 0-9 and . _ - @");
    int rc = resolve_member(view, member, may_be_local, out, err);
    if (rc < 0)
        return rc;
    size_t len = strlen(out);
    snprintf(out + len, RECORD_LINE_MAX + 1 - len, "/%.*s", SPAN_ARGS(name));
    return 0;
}

/* A group's list may be for few. Who may not read it is not told by a preview who is in it, nor whether there is one. */
static int knows_group(const struct view *view, struct span group, bool *ret, struct err *err)
{
    struct view_record record;
    struct arena arena;
    struct err unread = {0};
    *ret = true;
    if (view_is_of_operator(view) || (view->viewer.guest && span_is(audience_group_origin(group), view->viewer.guest)))
        return 0;
    int64_t ref = view_group_record(view, group, INT64_MAX);
    arena_init(&arena, GROUP_ARENA_MAX);
    int rc = ref < 0 ? ERR_NOTFOUND : view_record_ref(view, ref, &arena, &record, &unread);
    *ret = rc == 0 && record.has_text;
    arena_done(&arena);
    return rc < 0 && rc != ERR_NOTFOUND ? err_set(err, rc, "%s", unread.text) : 0;
}

static int resolve(const struct view *view, struct span typed, bool may_be_local, char *out, struct err *err)
{
    bool is_known = false;
    size_t mark = span_find(typed, '#');
    if (typed.len > RECORD_LINE_MAX)
        return refuse(err, ERR_LIMIT, typed, "too long");
    if (publishing_is_person(typed))
        return resolve_person(view, typed, may_be_local, out, err);
    int rc = resolve_member(view, span_sub(typed, 0, mark), may_be_local, out, err);
    if (rc < 0 || mark == typed.len)
        return rc;
    if (!view_knows_groups())
        return refuse(err, ERR_REFUSED, typed, "groups are not known to this program: name its members");
    size_t len = strlen(out);
    struct span group = span_sub(typed, mark, typed.len);
    snprintf(out + len, RECORD_LINE_MAX + 1 - len, "%.*s", SPAN_ARGS(group));
    if (!audience_is_group(span_str(out)))
        return refuse(err, ERR_SYNTAX, typed, "MEMBER#NAME is needed for a group");
    if ((rc = knows_group(view, span_str(out), &is_known, err)) < 0)
        return rc;
    const char *why = group_words(is_known ? view_group_state(view, span_str(out)) : GROUP_UNKNOWN);
    return why ? refuse(err, ERR_NOTFOUND, typed, why) : 0;
}

int publishing_name(const struct view *view, struct span typed, bool may_be_local, struct named_audience *audience,
                    struct err *err)
{
    if (audience->count == AUDIENCE_TO_MAX)
        return refuse(err, ERR_LIMIT, typed, "one name too many: a group names more");
    char *text = audience->text[audience->count];
    int rc = resolve(view, typed, may_be_local, text, err);
    if (rc < 0)
        return rc;
    for (size_t i = 0; i < audience->count; i++)
        if (strcmp(audience->text[i], text) == 0)
            return refuse(err, ERR_USAGE, typed, "named twice");
    audience->to[audience->count++] = span_str(text);
    return 0;
}

int publishing_check_names(const struct view *view, const struct named_audience *audience, bool keep,
                           const struct log_info *author, struct err *err)
{
    struct span origin = span_str(author->origin);
    if (keep && audience->tlp == TLP_GREEN && author->role != LOG_LOCAL && view_same_community(view, origin, origin))
        return err_set(err, ERR_REFUSED,
                       "TLP:GREEN is for every member of the author's communities: what is to be kept is amber");
    if (!keep && audience->tlp == TLP_GREEN && audience->count == 0 && author->role != LOG_LOCAL &&
        !view_same_community(view, origin, origin))
        return err_set(err, ERR_REFUSED,
                       "TLP:GREEN is for the author's communities, and it belongs to no community: name members or "
                       "groups, or keep it on this node");
    for (size_t i = 0; i < audience->count; i++)
        if (strcmp(audience->text[i], author->origin) != 0)
            return 0;
    if (audience->count == 0 || author->role == LOG_LOCAL)
        return 0;
    return refuse(err, ERR_REFUSED, audience->to[0],
                  "the author alone: name somebody else, or keep it, if its content is to stay on this node (--keep)");
}

/* ---- what is said ---- */

int publishing_check_body(struct store *store, const struct publishing_body *said, struct err *err)
{
    const struct capability *capability = capability_of(said->kind, NULL);
    const struct record record = {
        .kind = said->kind, .has_time = true, .time_ms = said->now_ms, .tlp = said->tlp, .body = said->body};
    return capability && capability->may_say ? capability->may_say(store, &record, err) : 0;
}

int publishing_append(struct store *store, const struct log_info *log, enum tlp tlp, struct span text, int64_t now_ms,
                      uint64_t *ret_index, struct err *err)
{
    struct author_item item = {.text = text, .clear = tlp == TLP_CLEAR && log->role != LOG_LOCAL};
    return author_append(store, log->number, &item, 1, now_ms, ret_index, err);
}
