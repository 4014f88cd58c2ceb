#include "base/codec.h"
#include "governance/cessions.h"
#include "governance/drafts.h"
#include "governance/fold.h"
#include "governance/pages.h"

/*
 * parent: an empty blob for a version 1 and for an endorsement of one, so that one index finds both. effect: the
 * endorsement counts; it depends on earlier entries of the same log alone, and those are folded before. operator: empty if
 * it is the member itself. Anybody can list anybody, so who belongs is found by indexes without those who do not.
 */
static const char schema[] =
    "CREATE TABLE IF NOT EXISTS governance_charter(ref INTEGER PRIMARY KEY, hash BLOB NOT NULL, text BLOB NOT NULL);"
    "CREATE INDEX IF NOT EXISTS governance_charter_hash ON governance_charter(hash);"
    "CREATE TABLE IF NOT EXISTS governance_roster(ref INTEGER PRIMARY KEY, origin TEXT NOT NULL, hash BLOB NOT NULL,"
    " parent BLOB NOT NULL, text BLOB NOT NULL);"
    "CREATE INDEX IF NOT EXISTS governance_roster_hash ON governance_roster(hash);"
    "CREATE INDEX IF NOT EXISTS governance_roster_parent ON governance_roster(parent, origin);"
    "CREATE TABLE IF NOT EXISTS governance_endorse(ref INTEGER PRIMARY KEY, origin TEXT NOT NULL, roster BLOB NOT NULL,"
    " parent BLOB NOT NULL, effect INTEGER NOT NULL);"
    "CREATE INDEX IF NOT EXISTS governance_endorse_parent ON governance_endorse(parent, effect, roster);"
    "CREATE INDEX IF NOT EXISTS governance_endorse_origin ON governance_endorse(origin, parent, ref);"
    "CREATE TABLE IF NOT EXISTS governance_word(ref INTEGER PRIMARY KEY, origin TEXT NOT NULL, community BLOB NOT NULL,"
    " type INTEGER NOT NULL, time_ms INTEGER NOT NULL, message TEXT NOT NULL);"
    "CREATE INDEX IF NOT EXISTS governance_word_of ON governance_word(community, origin, ref);"
    "CREATE INDEX IF NOT EXISTS governance_word_origin ON governance_word(origin, community, ref);"
    "CREATE TABLE IF NOT EXISTS governance_sponsor(ref INTEGER PRIMARY KEY, origin TEXT NOT NULL,"
    " community BLOB NOT NULL, subject TEXT NOT NULL, message TEXT NOT NULL);"
    "CREATE INDEX IF NOT EXISTS governance_sponsor_of ON governance_sponsor(community, subject, origin);"
    "CREATE TABLE IF NOT EXISTS governance_group(ref INTEGER PRIMARY KEY, origin TEXT NOT NULL, name TEXT NOT NULL,"
    " time_ms INTEGER NOT NULL, ended INTEGER NOT NULL, members INTEGER NOT NULL);"
    "CREATE INDEX IF NOT EXISTS governance_group_name ON governance_group(origin, name, ref);"
    "CREATE INDEX IF NOT EXISTS governance_group_named ON governance_group(name);"
    "CREATE TABLE IF NOT EXISTS governance_cession(ref INTEGER PRIMARY KEY, origin TEXT NOT NULL, power TEXT NOT NULL,"
    " grantee TEXT NOT NULL, scope TEXT NOT NULL, from_ms INTEGER NOT NULL, until_ms INTEGER NOT NULL,"
    " text BLOB NOT NULL);"
    "CREATE INDEX IF NOT EXISTS governance_cession_of ON governance_cession(origin, power, scope, ref);"
    "CREATE TABLE IF NOT EXISTS governance_cession_end(ref INTEGER PRIMARY KEY, origin TEXT NOT NULL,"
    " at INTEGER NOT NULL, time_ms INTEGER NOT NULL, because TEXT NOT NULL);"
    "CREATE INDEX IF NOT EXISTS governance_cession_end_of ON governance_cession_end(origin, at, ref);"
    "CREATE TABLE IF NOT EXISTS governance_group_member(ref INTEGER NOT NULL, origin TEXT NOT NULL,"
    " PRIMARY KEY(ref, origin)) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS governance_list(ref INTEGER PRIMARY KEY, origin TEXT NOT NULL, name TEXT NOT NULL,"
    " time_ms INTEGER NOT NULL, hash BLOB NOT NULL, items INTEGER NOT NULL);"
    "CREATE INDEX IF NOT EXISTS governance_list_name ON governance_list(origin, name, ref);"
    "CREATE INDEX IF NOT EXISTS governance_group_member_origin ON governance_group_member(origin, ref);"
    "CREATE TABLE IF NOT EXISTS governance_grant(ref INTEGER PRIMARY KEY, origin TEXT NOT NULL, word TEXT NOT NULL,"
    " since_ms INTEGER NOT NULL, time_ms INTEGER NOT NULL);"
    "CREATE INDEX IF NOT EXISTS governance_grant_of ON governance_grant(word, origin, time_ms);"
    "CREATE TABLE IF NOT EXISTS governance_community(community BLOB PRIMARY KEY, name TEXT NOT NULL,"
    " number INTEGER NOT NULL, tip BLOB NOT NULL, charter BLOB NOT NULL) WITHOUT ROWID;"
    "CREATE INDEX IF NOT EXISTS governance_community_name ON governance_community(name);"
    "CREATE TABLE IF NOT EXISTS governance_version(hash BLOB PRIMARY KEY, community BLOB NOT NULL) WITHOUT ROWID;"
    "CREATE INDEX IF NOT EXISTS governance_version_of ON governance_version(community);"
    "CREATE TABLE IF NOT EXISTS governance_belongs(origin TEXT NOT NULL, community BLOB NOT NULL,"
    " belongs INTEGER NOT NULL, operator TEXT NOT NULL, class INTEGER NOT NULL, since INTEGER NOT NULL,"
    " PRIMARY KEY(origin, community)) WITHOUT ROWID;"
    "CREATE INDEX IF NOT EXISTS governance_belongs_of ON governance_belongs(community);"
    "CREATE INDEX IF NOT EXISTS governance_belongs_by ON governance_belongs(origin, community) WHERE belongs = 1;"
    "CREATE INDEX IF NOT EXISTS governance_belongs_in ON governance_belongs(community, origin) WHERE belongs = 1;"
    "CREATE TABLE IF NOT EXISTS governance_poll(community BLOB PRIMARY KEY, parent BLOB NOT NULL,"
    " needed INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE INDEX IF NOT EXISTS governance_poll_parent ON governance_poll(parent);"
    "CREATE TABLE IF NOT EXISTS governance_voter(community BLOB NOT NULL, origin TEXT NOT NULL,"
    " PRIMARY KEY(community, origin)) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS governance_tally(community BLOB NOT NULL, roster BLOB NOT NULL,"
    " voices INTEGER NOT NULL, PRIMARY KEY(community, roster)) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS governance_wants(hash BLOB NOT NULL, community BLOB NOT NULL,"
    " PRIMARY KEY(hash, community)) WITHOUT ROWID;"
    "CREATE INDEX IF NOT EXISTS governance_wants_of ON governance_wants(community);";

static const char *const tables[] = {"governance_charter",
                                     "governance_roster",
                                     "governance_endorse",
                                     "governance_word",
                                     "governance_sponsor",
                                     "governance_group",
                                     "governance_group_member",
                                     "governance_community",
                                     "governance_version",
                                     "governance_belongs",
                                     "governance_wants",
                                     "governance_list",
                                     "governance_grant",
                                     "governance_poll",
                                     "governance_voter",
                                     "governance_tally",
                                     "governance_cession",
                                     "governance_cession_end",
                                     NULL};

/* ---- kinds ---- */

#define CHECK_ARENA_MAX (32u << 20) /* bytes: a list of LIST_BODY_MAX */

static int check_charter(const struct record *record, struct arena *arena, struct err *err)
{
    struct charter *charter = arena_alloc(arena, sizeof(*charter));
    return charter ? charter_parse(record, arena, charter, err) : err_memory(err);
}

static int check_roster(const struct record *record, struct arena *arena, struct err *err)
{
    struct roster_version version;
    return roster_parse(record, arena, &version, err);
}

static int check_group(const struct record *record, struct arena *arena, struct err *err)
{
    struct group group;
    if (!record->has_time)
        return err_set(err, ERR_SYNTAX, "group: no time line");
    return group_parse(record, arena, &group, err);
}

static int check_list(const struct record *record, struct arena *arena, struct err *err)
{
    struct list list;
    if (!record->has_time)
        return err_set(err, ERR_SYNTAX, "list: no time line");
    return list_parse(record, arena, &list, err);
}

static int check_cession(const struct record *record, struct arena *arena, struct err *err)
{
    struct cession cession;
    return cession_parse(record, arena, &cession, err);
}

static int check_grant(const struct record *record, struct err *err)
{
    struct grant grant;
    return grant_parse(record, &grant, err);
}

static int check_statement(const struct record *record, struct err *err)
{
    struct statement statement;
    return statement_parse(record, &statement, err);
}

static int governance_check(const struct record *record, struct err *err)
{
    struct arena arena;
    arena_init(&arena, CHECK_ARENA_MAX);
    int rc = span_is(record->kind, CHARTER_KIND)   ? check_charter(record, &arena, err)
             : span_is(record->kind, ROSTER_KIND)  ? check_roster(record, &arena, err)
             : span_is(record->kind, GROUP_KIND)   ? check_group(record, &arena, err)
             : span_is(record->kind, LIST_KIND)    ? check_list(record, &arena, err)
             : span_is(record->kind, GRANT_KIND)   ? check_grant(record, err)
             : span_is(record->kind, CESSION_KIND) ? check_cession(record, &arena, err)
                                                   : check_statement(record, err);
    arena_done(&arena);
    return rc;
}

static const struct kind kinds[] = {
    {CHARTER_KIND, governance_check}, {ROSTER_KIND, governance_check},  {ENDORSE_KIND, governance_check},
    {JOIN_KIND, governance_check},    {SPONSOR_KIND, governance_check}, {LEAVE_KIND, governance_check},
    {GROUP_KIND, governance_check},   {LIST_KIND, governance_check},    {GRANT_KIND, governance_check},
    {CESSION_KIND, governance_check},
};

/* ---- one line for people ---- */

static void put_hash(struct buf *out, const uint8_t hash[32])
{
    buf_hex(out, hash, 6);
}

static void title_statement(const struct statement *statement, struct buf *out)
{
    static const char *const words[] = {[STATEMENT_ENDORSE] = "endorses roster ",
                                        [STATEMENT_JOIN] = "asks to join community ",
                                        [STATEMENT_SPONSOR] = "vouches for ",
                                        [STATEMENT_LEAVE] = "leaves community "};
    buf_str(out, words[statement->type]);
    if (statement->type == STATEMENT_SPONSOR)
        buf_fmt(out, "%.*s in community ", (int)strcspn(statement->origin, "/"), statement->origin);
    put_hash(out, statement->target);
}

static void title_group(const struct group *group, struct buf *out)
{
    struct span owner, name;
    if (group_address(span_str(group->name), &owner, &name))
        buf_fmt(out, "admits to the group %.*s of %.*s: %zu members", SPAN_ARGS(name), (int)span_find(owner, '/'),
                (const char *)owner.data, group->count);
    else
        buf_fmt(out, "group %s: %zu members", group->name, group->count);
}

static void title_cession(const struct cession *cession, struct buf *out)
{
    if (cession->revokes)
        buf_fmt(out, "takes back the power of entry %llu", (unsigned long long)cession->index);
    else
        buf_fmt(out, "cedes to %.*s the power to %s%s%s", (int)strcspn(cession->to, "/"), cession->to, cession->word,
                cession->group[0] ? ", group " : "", cession->group);
}

static void governance_title(const struct record *record, struct arena *arena, struct buf *out)
{
    struct err ignored = {0};
    struct charter *charter = arena_alloc(arena, sizeof(*charter));
    struct roster_version version;
    struct group group;
    struct list list;
    struct grant grant;
    struct cession cession;
    struct statement statement;
    if (charter && span_is(record->kind, CHARTER_KIND) && charter_parse(record, arena, charter, &ignored) == 0)
        buf_fmt(out, "charter of %s", charter->name);
    else if (span_is(record->kind, ROSTER_KIND) && roster_parse(record, arena, &version, &ignored) == 0)
        buf_fmt(out, "roster version %llu: %zu added, %zu removed", (unsigned long long)version.version,
                version.addition_count, version.removal_count);
    else if (span_is(record->kind, GROUP_KIND) && group_parse(record, arena, &group, &ignored) == 0)
        title_group(&group, out);
    else if (span_is(record->kind, LIST_KIND) && list_parse(record, arena, &list, &ignored) == 0)
        buf_fmt(out, "list %s (%s): %zu items", list.name, list_advice_word(list.advice), list.count);
    else if (grant_parse(record, &grant, &ignored) == 0)
        buf_fmt(out, "what was said to the group %s is also for those who came later", strchr(grant.group, '#') + 1);
    else if (span_is(record->kind, CESSION_KIND) && cession_parse(record, arena, &cession, &ignored) == 0)
        title_cession(&cession, out);
    else if (statement_parse(record, &statement, &ignored) == 0)
        title_statement(&statement, out);
}

const struct capability governance_capability = {
    .name = "governance",
    .kinds = kinds,
    .kind_count = sizeof(kinds) / sizeof(kinds[0]),
    .schema = schema,
    .tables = tables,
    .apply = governance_apply,
    .forget = governance_forget,
    .flush = governance_flush,
    .title = governance_title,
    .same_community = governance_same_community,
    .in_group = governance_in_group,
    .each_in_group = governance_each_in_group,
    .each_of_community = governance_each_of_community,
    .group_record = governance_group_record,
    .group_state = governance_group_state,
    .in_group_since = governance_in_group_since,
    .audience_mark = governance_audience_mark,
    .membership_mark = governance_membership_mark,
    .page_title = governance_page_title,
    .page_routes = governance_page_routes,
    .page_route_count = GOVERNANCE_PAGE_ROUTES,
};
