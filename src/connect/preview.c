#include "connect/preview.h"

#include <stdlib.h>
#include <string.h>

#include "connect/preview_group.h"
#include "index/crowd.h"

struct previewing {
    const struct preview_draft *draft;
    struct arena *arena;
    struct preview *preview;
    struct view everybody, member; /* who looks */
    struct view_content content;
    size_t cap, meant, far; /* members in its audience; those on other nodes who get it */
    struct preview_groups *groups;
    bool parcel_kept; /* policy keeps it from one whom a parcel would be for */
};

/* ---- each member ---- */

static int add_member(struct previewing *p, const struct log_info *log, struct preview_member **ret, struct err *err)
{
    struct preview *preview = p->preview;
    if (preview->count == p->cap) {
        size_t cap = p->cap ? 2 * p->cap : 64;
        struct preview_member *grown = arena_array(p->arena, cap, sizeof(*grown));
        if (!grown)
            return err_memory(err);
        if (preview->count > 0)
            memcpy(grown, preview->members, preview->count * sizeof(*grown));
        preview->members = grown;
        p->cap = cap;
    }
    struct preview_member *member = &preview->members[preview->count];
    *member = (struct preview_member){.origin = arena_strz(p->arena, span_str(log->origin)),
                                      .is_here = log->role == LOG_OWN,
                                      .hearing = view_hearing(log)};
    if (!member->origin)
        return err_memory(err);
    preview->count++;
    *ret = member;
    return 0;
}

/* By a parcel comes what is for the member itself, whether or not it is heard: it needs its key, and nothing else. */
static bool has_parcel(const struct previewing *p, const struct preview_member *member)
{
    return p->draft->parcel && member->hearing != HEARING_UNKNOWN &&
           (member->audience == AUDIENCE_NAMED || member->audience == AUDIENCE_GROUP ||
            member->audience == AUDIENCE_PERSON);
}

static void judge_member(struct previewing *p, const struct view_answer *answer, struct preview_member *member)
{
    bool is_clear = p->preview->record.tlp == TLP_CLEAR;
    member->audience = answer->audience;
    member->line = answer->policy.line;
    if (!audience_is_in(answer->audience)) {
        member->fate = PREVIEW_NOT_MEANT;
        return;
    }
    member->paths = (is_clear ? PATH_OPEN : 0u) | (has_parcel(p, member) ? PATH_PARCEL : 0u);
    if (!answer->is_given)
        member->fate = PREVIEW_KEPT;
    else if (member->is_here)
        member->paths |= PATH_HERE;
    else if (member->hearing == HEARING_GOOD)
        member->paths |= PATH_SIGNED;
    else if (!is_clear && !(member->paths & PATH_PARCEL))
        member->fate = PREVIEW_UNHEARD;
    p->parcel_kept |= member->fate == PREVIEW_KEPT && (member->paths & PATH_PARCEL);
    if (member->fate != PREVIEW_GETS)
        member->paths = 0;
}

/* Whoever is not heard asks unsigned: of what is for everybody it gets what everybody does, whatever policy says of it. */
static int ask_member(struct previewing *p, const struct log_info *log, const struct preview_member *member,
                      struct view_answer *ret, struct err *err)
{
    if (p->preview->record.tlp == TLP_CLEAR && member->hearing != HEARING_GOOD) {
        *ret = p->preview->everybody;
        return 0;
    }
    int rc = view_turn(&p->member, log, err);
    return rc == 0 ? view_gives(&p->member, &p->content, ret, err) : rc;
}

/* Does its node know that it is in a group for which this is? */
static int doubt_member(const struct previewing *p, struct preview_member *member, struct err *err)
{
    bool is_known = true;
    struct span origin = span_str(member->origin);
    if (!p->content.crowd)
        return 0;
    int rc = preview_groups_known(p->groups, &p->member, crowd_groups(p->content.crowd, origin), &is_known, err);
    member->doubt = rc == 0 && !is_known;
    return rc;
}

static int each_member(void *ctx, const struct log_info *log, struct err *err)
{
    struct previewing *p = ctx;
    struct preview_member *member = NULL;
    struct view_answer answer;
    if (log->role == LOG_LOCAL || log->number == p->draft->author->number)
        return 0;
    int rc = add_member(p, log, &member, err);
    if (rc == 0)
        rc = ask_member(p, log, member, &answer, err);
    if (rc < 0)
        return rc;
    judge_member(p, &answer, member);
    if (member->audience == AUDIENCE_GROUP && member->paths & PATH_SIGNED && (rc = doubt_member(p, member, err)) < 0)
        return rc;
    p->meant += audience_is_in(member->audience);
    p->far += member->fate == PREVIEW_GETS && !member->is_here;
    p->preview->gets += member->fate == PREVIEW_GETS;
    p->preview->kept += member->fate == PREVIEW_KEPT;
    p->preview->unheard += member->fate == PREVIEW_UNHEARD;
    return 0;
}

/* Whoever has it serves it to whom the content itself admits: policy here decides for this node alone. */
static void see_onward(const struct previewing *p)
{
    struct preview *preview = p->preview;
    if (preview->record.tlp == TLP_RED || (p->far == 0 && !preview->everybody.is_given))
        return;
    for (size_t i = 0; i < preview->count; i++)
        if (preview->members[i].fate == PREVIEW_KEPT || preview->members[i].fate == PREVIEW_UNHEARD)
            preview->members[i].paths |= PATH_ONWARD;
}

/* ---- what contradicts itself ---- */

/* Does it name a person of its author, who is no member that gets anything, and yet somebody? */
static bool is_for_own_person(const struct previewing *p)
{
    const struct record *record = &p->preview->record;
    struct span author = span_str(p->draft->author->origin);
    for (size_t i = 0; record->tlp == TLP_RED && i < record->to_count; i++)
        if (audience_is_person(record->to[i]) && span_eq(audience_person_origin(record->to[i]), author))
            return true;
    return false;
}

static enum preview_fault find_fault(const struct previewing *p)
{
    const struct preview *preview = p->preview;
    if (p->draft->author->role == LOG_LOCAL || p->draft->keep)
        return PREVIEW_RIGHT;
    if (preview->record.tlp == TLP_CLEAR)
        return preview->everybody.is_given || preview->gets > 0 || preview->kept == 0 ? PREVIEW_RIGHT
                                                                                      : PREVIEW_CLEAR_KEPT;
    if (p->draft->parcel && p->parcel_kept)
        return PREVIEW_PARCEL_KEPT;
    if (preview->gets > 0 || is_for_own_person(p))
        return PREVIEW_RIGHT;
    if (p->meant == 0)
        return PREVIEW_NOBODY;
    return preview->kept > 0 ? PREVIEW_POLICY_KEEPS : PREVIEW_ALL_UNHEARD;
}

/* ---- what it does to others ---- */

static void add_line(struct preview *preview, enum preview_effect effect, const char *origin, const char *other)
{
    if (preview->line_count < PREVIEW_LINES_MAX)
        preview->lines[preview->line_count++] = (struct preview_line){effect, origin, other};
}

static int compare_members(const void *a, const void *b)
{
    const struct preview_member *left = a, *right = b;
    return strcmp(left->origin, right->origin);
}

static const struct preview_member *find_member(const struct preview *preview, const char *origin)
{
    struct preview_member wanted = {.origin = origin};
    return preview->count ? bsearch(&wanted, preview->members, preview->count, sizeof(wanted), compare_members) : NULL;
}

/* Groups of others: what says who is in them does not come with this log. */
static int see_groups(struct previewing *p, struct err *err)
{
    struct preview *preview = p->preview;
    for (size_t i = 0; i < preview->record.to_count; i++) {
        struct span word = preview->record.to[i], owner = audience_group_origin(word);
        if (!audience_is_group(word) || span_is(owner, preview->author->origin))
            continue;
        const char *origin = arena_strz(p->arena, owner);
        const char *name = arena_strz(p->arena, span_sub(word, owner.len + 1, word.len));
        if (!origin || !name)
            return err_memory(err);
        add_line(preview, EFFECT_GROUP, origin, name);
    }
    return 0;
}

/* Those who are named and live with somebody else: on whose node it comes to lie. */
static int see_hosts(struct previewing *p, struct err *err)
{
    struct preview *preview = p->preview;
    for (size_t i = 0; i < preview->record.to_count; i++) {
        char said[ORIGIN_MAX + 1];
        struct span named = preview->record.to[i];
        named = audience_is_person(named) ? audience_person_origin(named) : named;
        const char *guest = arena_strz(p->arena, named);
        if (!guest)
            return err_memory(err);
        const struct preview_member *member = find_member(preview, guest);
        if (!member || member->is_here || member->fate != PREVIEW_GETS)
            continue;
        int rc = view_host_of(p->draft->view, named, said, err);
        if (rc < 0)
            return rc;
        if (said[0] == '\0' || strcmp(said, guest) == 0)
            continue;
        const char *host = arena_strz(p->arena, span_str(said));
        if (!host)
            return err_memory(err);
        const struct preview_member *at = find_member(preview, host);
        bool is_meant = at && audience_is_in(at->audience);
        add_line(preview, is_meant ? EFFECT_HOST : EFFECT_NODE, host, guest);
    }
    return 0;
}

/* Is anybody kept from it here who may have it from others? */
static bool is_handed_on(const struct preview *preview)
{
    for (size_t i = 0; i < preview->count; i++)
        if (preview->members[i].paths & PATH_ONWARD)
            return true;
    return false;
}

static int see_effects(struct previewing *p, struct err *err)
{
    struct preview *preview = p->preview;
    enum tlp tlp = preview->record.tlp;
    if (p->draft->author->role == LOG_LOCAL)
        return 0;
    if (tlp != TLP_CLEAR)
        add_line(preview, EFFECT_RELAYS, NULL, NULL);
    if (p->draft->parcel)
        add_line(preview, EFFECT_PARCEL, NULL, NULL);
    if (preview->gets > 0 || preview->everybody.is_given)
        add_line(preview, EFFECT_ONWARD, NULL, NULL);
    struct audience unaddressed = {.tlp = tlp};
    if (audience_admits_user(&unaddressed, (struct span){0}) && tlp != TLP_CLEAR)
        add_line(preview, EFFECT_HERE, NULL, NULL);
    if (policy_looks_at_age(preview->policy, POLICY_SHARE) && view_is_of_operator(p->draft->view))
        add_line(preview, EFFECT_AGE, NULL, NULL);
    if (is_handed_on(preview))
        add_line(preview, tlp == TLP_CLEAR && preview->everybody.is_given ? EFFECT_OPEN : EFFECT_KEPT, NULL, NULL);
    int rc = tlp == TLP_CLEAR ? 0 : see_hosts(p, err);
    return rc == 0 ? see_groups(p, err) : rc;
}

/* ---- which rules ---- */

static int compare_lines(const void *a, const void *b)
{
    unsigned left = *(const unsigned *)a, right = *(const unsigned *)b;
    return left < right ? -1 : left > right;
}

/* Rules are the operator's own, and name partners: a guest is told what becomes of its content, and no more. */
static void forget_rules(struct preview *preview)
{
    preview->everybody.policy.line = 0;
    for (size_t i = 0; i < preview->count; i++)
        preview->members[i].line = 0;
}

static int list_rules(struct previewing *p, struct err *err)
{
    struct preview *preview = p->preview;
    size_t count = 0, kept = 0;
    if (!view_is_of_operator(p->draft->view))
        forget_rules(preview);
    preview->rules = arena_array(p->arena, preview->count + 1, sizeof(*preview->rules));
    if (!preview->rules)
        return err_memory(err);
    preview->rules[count++] = preview->everybody.policy.line;
    for (size_t i = 0; i < preview->count; i++)
        preview->rules[count++] = preview->members[i].line;
    qsort(preview->rules, count, sizeof(*preview->rules), compare_lines);
    for (size_t i = 0; i < count; i++)
        if (preview->rules[i] > (kept > 0 ? preview->rules[kept - 1] : 0))
            preview->rules[kept++] = preview->rules[i];
    preview->rule_count = kept;
    return 0;
}

/* ---- the whole ---- */

/* Nobody hears of a local log, whatever stands in it: there is nobody to ask about. */
static int ask_all(struct previewing *p, struct err *err)
{
    const struct preview_draft *draft = p->draft;
    struct preview *preview = p->preview;
    struct crowd *crowd = NULL;
    if (draft->author->role == LOG_LOCAL)
        return 0;
    int rc = crowd_new(draft->view, draft->now_ms, span_str(draft->author->origin), &preview->record, &crowd, err);
    p->content = (struct view_content){
        .log = draft->author, .record = &preview->record, .bytes = draft->text.len, .crowd = crowd};
    if (rc == 0)
        rc =
            preview_groups_find(draft->view, draft->author, &preview->record, draft->now_ms, p->arena, &p->groups, err);
    if (rc == 0)
        rc = view_gives(&p->everybody, &p->content, &preview->everybody, err);
    if (rc == 0)
        rc = store_logs(draft->view->store, each_member, p, err);
    p->content.crowd = NULL;
    crowd_free(crowd);
    return rc;
}

int preview_make(const struct preview_draft *draft, struct arena *arena, struct preview *ret, struct err *err)
{
    struct judge judge;
    *ret = (struct preview){.author = draft->author, .bytes = draft->text.len};
    struct previewing p = {.draft = draft,
                           .arena = arena,
                           .preview = ret,
                           .everybody = view_as(draft->view, NULL, draft->now_ms),
                           .member = view_as(draft->view, draft->author->origin, draft->now_ms)};
    int rc = record_parse(draft->text, arena, &ret->record, err);
    if (rc == 0)
        rc = judge_open(&judge, draft->view->store, draft->now_ms, err);
    if (rc < 0)
        return rc;
    ret->policy = judge.policy;
    memcpy(ret->version, judge.version.version, sizeof(ret->version));
    rc = ask_all(&p, err);
    if (rc < 0)
        return rc;
    if (ret->count > 0)
        qsort(ret->members, ret->count, sizeof(*ret->members), compare_members);
    see_onward(&p);
    ret->fault = find_fault(&p);
    rc = list_rules(&p, err);
    return rc == 0 ? see_effects(&p, err) : rc;
}
