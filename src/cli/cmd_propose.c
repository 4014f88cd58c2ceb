/* tongzhou community propose, refound: the next version of a roster, or a new first one. */
#include "base/sha256.h"
#include "cli/commands.h"
#include "cli/community.h"
#include "cli/input.h"

static const struct option propose_options[] = {
    {"only", "MEMBER", "of those who ask only this one", ANY_NUMBER},
    {"exclude", "MEMBER", "take it off the roster although it has not left", ANY_NUMBER},
    {"because", "TEXT", "why, a line that everybody can read; needed with --exclude", AT_MOST_ONCE},
    {"update", "MEMBER", "its operator and class, as its profile says them now", ANY_NUMBER},
    {"charter", "FILE", "another charter from this version on, as `community charter --json` prints one", AT_MOST_ONCE},
    {"alone", NULL, "do not ask peers first whether they know more of our logs", AT_MOST_ONCE},
    {0},
};

struct draft {
    struct roster_version version;
    struct buf charter; /* a new one's text; empty: the one in force stays */
};

static int draft_room(struct invocation *inv, const struct draft *draft)
{
    if (draft->version.addition_count < ROSTER_CHANGES_MAX && draft->version.removal_count < ROSTER_CHANGES_MAX)
        return 0;
    return cli_usage(inv, "more than %d changes: propose the rest in the next version", ROSTER_CHANGES_MAX);
}

static bool is_removed(const struct draft *draft, const char *origin)
{
    for (size_t i = 0; i < draft->version.removal_count; i++)
        if (strcmp(draft->version.removals[i].origin, origin) == 0)
            return true;
    return false;
}

/* Without --only all that wait. */
static bool is_wanted(struct invocation *inv, struct desk_session *desk, const char *origin, int *ret_status)
{
    bool any = false;
    for (int i = 0; !*ret_status && i < inv->given_count; i++) {
        const char *named;
        if (strcmp(inv->given[i].option->name, "only") != 0)
            continue;
        any = true;
        *ret_status = community_member_named(inv, desk, inv->given[i].value, &named);
        if (!*ret_status && strcmp(named, origin) == 0)
            return true;
    }
    return !any;
}

/* One who asked, if enough of those vouch who stay. */
static void draft_request(struct draft *draft, const struct desk_request *request)
{
    struct roster_addition line = {.origin = request->origin, .operator= request->operator, .class = request->class };
    for (size_t i = 0; i < request->sponsor_count && line.sponsor_count < request->needed; i++)
        if (!is_removed(draft, request->sponsors[i]))
            line.sponsors[line.sponsor_count++] = request->sponsors[i];
    if (desk_ready(request) && line.sponsor_count >= request->needed && !is_removed(draft, request->operator))
        draft->version.additions[draft->version.addition_count++] = line;
}

/* All who left and whose notice is over, and all who asked and for whom enough vouch. */
static int draft_waiting(struct invocation *inv, struct desk_session *desk, struct draft *draft)
{
    struct desk waiting;
    int status = 0;
    if (desk_read(&desk->session.view, &desk->now, cli_now_ms(), &desk->arena, &waiting, &inv->err))
        return cli_fail(inv);
    for (size_t i = 0; i < waiting.departure_count && draft->version.removal_count < ROSTER_CHANGES_MAX; i++)
        if (waiting.departures[i].due && !is_removed(draft, waiting.departures[i].origin))
            draft->version.removals[draft->version.removal_count++] =
                (struct roster_removal){.origin = waiting.departures[i].origin};
    for (size_t i = 0; !status && i < waiting.request_count && draft->version.addition_count < ROSTER_CHANGES_MAX; i++)
        if (is_wanted(inv, desk, waiting.requests[i].origin, &status))
            draft_request(draft, &waiting.requests[i]);
    return status;
}

static int draft_exclude(struct invocation *inv, struct draft *draft, const char *origin)
{
    const char *because = cli_option(inv, "because", NULL);
    int status = draft_room(inv, draft);
    if (!because)
        return cli_usage(inv, "--exclude needs --because: exclusions carry their reason");
    if (!status && !is_removed(draft, origin))
        draft->version.removals[draft->version.removal_count++] =
            (struct roster_removal){.origin = origin, .excluded = true, .because = because};
    return status;
}

static int draft_update(struct invocation *inv, struct desk_session *desk, struct draft *draft, const char *origin)
{
    int status = draft_room(inv, draft);
    if (status)
        return status;
    struct roster_addition *line = &draft->version.additions[draft->version.addition_count];
    *line = (struct roster_addition){.origin = origin};
    if (desk_profile(&desk->session.view, origin, &desk->arena, &line->operator, & line->class, &inv->err))
        return cli_fail(inv);
    draft->version.addition_count++;
    return 0;
}

static int draft_charter(struct invocation *inv, struct desk_session *desk, struct draft *draft)
{
    const char *path = cli_option(inv, "charter", NULL);
    struct charter *charter = arena_alloc(&desk->arena, sizeof(*charter));
    struct buf body;
    if (!path)
        return 0;
    buf_init(&body, INLINE_MAX);
    int rc = charter ? input_slurp(path, INLINE_MAX, &body, &inv->err) : err_memory(&inv->err);
    if (!rc)
        rc = charter_parse_body(buf_view(&body), &desk->arena, charter, &inv->err);
    if (!rc)
        rc = charter_write(charter, cli_now_ms(), &draft->charter, &inv->err);
    if (!rc)
        sha256_once(buf_view(&draft->charter), draft->version.charter);
    buf_done(&body);
    return rc ? cli_fail(inv) : 0;
}

/* The charter of the version in force goes on. */
static void keep_charter(const struct desk_session *desk, struct roster_version *version)
{
    for (size_t i = 0; i < desk->now.version_count; i++)
        if (memcmp(desk->now.versions[i].hash, desk->now.tip, 32) == 0)
            memcpy(version->charter, desk->now.versions[i].charter, 32);
}

/* --exclude and --update. */
static int draft_options(struct invocation *inv, struct desk_session *desk, struct draft *draft)
{
    int status = 0;
    for (int i = 0; !status && i < inv->given_count; i++) {
        const char *name = inv->given[i].option->name, *origin;
        bool exclude = strcmp(name, "exclude") == 0;
        if (!exclude && strcmp(name, "update") != 0)
            continue;
        status = community_member_named(inv, desk, inv->given[i].value, &origin);
        if (!status)
            status = exclude ? draft_exclude(inv, draft, origin) : draft_update(inv, desk, draft, origin);
    }
    return status;
}

static int draft_make(struct invocation *inv, struct desk_session *desk, struct draft *draft)
{
    struct roster_version *version = &draft->version;
    version->additions = arena_array(&desk->arena, ROSTER_CHANGES_MAX, sizeof(*version->additions));
    version->removals = arena_array(&desk->arena, ROSTER_CHANGES_MAX, sizeof(*version->removals));
    if (!version->additions || !version->removals)
        return err_memory(&inv->err), cli_fail(inv);
    version->version = desk->now.number + 1;
    version->has_parent = true;
    memcpy(version->parent, desk->now.tip, 32);
    int status = draft_options(inv, desk, draft);
    if (!status)
        status = draft_waiting(inv, desk, draft);
    return status ? status : draft_charter(inv, desk, draft);
}

static void print_draft(const struct roster_version *version)
{
    for (size_t i = 0; i < version->addition_count; i++) {
        fputs("  + ", stdout);
        put_origin(stdout, version->additions[i].origin);
        printf(" (%s)", member_class_word(version->additions[i].class));
        if (version->additions[i].sponsor_count > 0) {
            fputs(", vouched for by ", stdout);
            put_origins(stdout, version->additions[i].sponsors, version->additions[i].sponsor_count);
        }
        putchar('\n');
    }
    for (size_t i = 0; i < version->removal_count; i++) {
        fputs("  - ", stdout);
        put_origin(stdout, version->removals[i].origin);
        puts(version->removals[i].excluded ? " (excluded)" : " (left)");
    }
}

/* Charter if there is a new one, version and our endorsement, as one batch. */
static int append_draft(struct invocation *inv, struct desk_session *desk, struct draft *draft)
{
    struct buf texts[3];
    size_t count = 0;
    uint8_t hash[32];
    if (draft->charter.len > 0)
        texts[count++] = draft->charter;
    struct buf *version = &texts[count++], *said = &texts[count++];
    buf_init(version, INLINE_MAX);
    buf_init(said, INLINE_MAX);
    int rc = roster_write(&draft->version, cli_now_ms(), version, &inv->err);
    sha256_once(buf_view(version), hash);
    struct statement statement = community_endorsement(hash, draft->version.has_parent ? draft->version.parent : NULL);
    if (!rc)
        rc = statement_write(&statement, cli_now_ms(), said, &inv->err);
    int status = rc ? cli_fail(inv) : community_append(inv, desk, texts, count);
    buf_done(version);
    buf_done(said);
    if (!draft->version.has_parent)
        memcpy(desk->hash, hash, 32);
    if (!status)
        status = community_walk_again(inv, desk);
    if (!status) {
        put_version(desk, hash);
        print_draft(&draft->version);
    }
    return status;
}

static int propose_draft(struct invocation *inv, struct desk_session *desk, struct draft *draft)
{
    keep_charter(desk, &draft->version);
    int status = draft_make(inv, desk, draft);
    if (status)
        return status;
    if (draft->version.addition_count + draft->version.removal_count == 0 && draft->charter.len == 0) {
        puts("Nothing waits: nobody asks to join with enough sponsors, and no notice is over.");
        return EXIT_DONE;
    }
    if (desk_check(&desk->session.view, &desk->now, &draft->version, cli_now_ms(), &desk->arena, &inv->err))
        return cli_fail(inv);
    return append_draft(inv, desk, draft);
}

static int propose(struct invocation *inv, struct desk_session *desk)
{
    struct draft draft = {0};
    int status = community_read(inv, desk, inv->arg_count > 0 ? inv->args[0] : NULL);
    if (status)
        return status;
    if (!desk->now.founded)
        err_set(&inv->err, ERR_STATE, "its version 1 is not in force yet");
    else if (!community_is_operator(&desk->now, desk->self.origin))
        err_set(&inv->err, ERR_REFUSED, "%s is no operator on its roster", desk->self.origin);
    else if (desk->now.stuck)
        err_set(&inv->err, ERR_STATE, "stuck: no version can come into force any more; tongzhou community refound");
    if (inv->err.code)
        return cli_fail(inv);
    status = community_refuse_second(inv, desk, desk->now.tip);
    if (status)
        return status;
    buf_init(&draft.charter, INLINE_MAX);
    status = propose_draft(inv, desk, &draft);
    buf_done(&draft.charter);
    return status;
}

static int run_propose(struct invocation *inv)
{
    return community_command(inv, propose);
}

const struct command cmd_community_propose = {
    .name = "community propose",
    .arguments = "[COMMUNITY]",
    .summary = "State the next version of the roster, and endorse it",
    .details =
        "It adds all who asked and for whom as many members vouch as the charter asks, and removes all who left and\n"
        "whose notice is over. It is in force when enough operators of the version before have endorsed it.\n",
    .options = propose_options,
    .max_args = 1,
    .run = run_propose,
};

/* ---- refound ---- */

static const struct option refound_options[] = {
    {"without", "MEMBER", "not with this one", ANY_NUMBER},
    {"charter", "FILE", "another charter, as `community charter --json` prints one", AT_MOST_ONCE},
    {"alone", NULL, "do not ask peers first whether they know more of our logs", AT_MOST_ONCE},
    {0},
};

static bool is_without(struct invocation *inv, struct desk_session *desk, const char *origin, int *ret_status)
{
    for (int i = 0; !*ret_status && i < inv->given_count; i++) {
        const char *named;
        if (strcmp(inv->given[i].option->name, "without") != 0)
            continue;
        *ret_status = community_member_named(inv, desk, inv->given[i].value, &named);
        if (!*ret_status && strcmp(named, origin) == 0)
            return true;
    }
    return false;
}

/* All who belong now, as the roster has them; whose operator does not come along stays, too. */
static int refound_lines(struct invocation *inv, struct desk_session *desk, struct roster_version *version)
{
    int status = 0;
    version->additions = arena_array(&desk->arena, ROSTER_CHANGES_MAX, sizeof(*version->additions));
    if (!version->additions)
        return err_memory(&inv->err), cli_fail(inv);
    for (size_t i = 0; !status && i < desk->now.member_count; i++) {
        const struct community_member *member = &desk->now.members[i];
        const struct community_member *operator= community_find(&desk->now, member->operator);
        bool comes = community_belongs(member) && operator&& community_belongs(operator) &&
                     !is_without(inv, desk, member->origin, &status) &&
                     !is_without(inv, desk, operator->origin, &status);
        if (!comes || status)
            continue;
        if (version->addition_count == ROSTER_CHANGES_MAX)
            return cli_usage(inv, "more than %d members: found it with some and let the others join",
                             ROSTER_CHANGES_MAX);
        version->additions[version->addition_count++] =
            (struct roster_addition){.origin = member->origin, .operator= member->operator, .class = member->class };
    }
    return status;
}

static int refound(struct invocation *inv, struct desk_session *desk)
{
    struct draft draft = {.version = {.version = 1, .has_refounds = true}};
    int status = community_read(inv, desk, inv->arg_count > 0 ? inv->args[0] : NULL);
    if (status)
        return status;
    const struct community_member *self = community_find(&desk->now, desk->self.origin);
    if (!desk->now.founded || !self || !community_belongs(self)) {
        err_set(&inv->err, ERR_REFUSED, "%s does not belong to it", desk->self.origin);
        return cli_fail(inv);
    }
    memcpy(draft.version.refounds, desk->now.tip, 32);
    keep_charter(desk, &draft.version);
    buf_init(&draft.charter, INLINE_MAX);
    status = refound_lines(inv, desk, &draft.version);
    if (!status)
        status = draft_charter(inv, desk, &draft);
    if (!status)
        status = append_draft(inv, desk, &draft);
    buf_done(&draft.charter);
    if (!status && !desk->now.founded)
        puts("Each of them ratifies it by `tongzhou community endorse` with this hash, and belongs to it only then.");
    return status;
}

static int run_refound(struct invocation *inv)
{
    return community_command(inv, refound);
}

const struct command cmd_community_refound = {
    .name = "community refound",
    .arguments = "[COMMUNITY]",
    .summary = "Found a community anew that is stuck, or is to go on otherwise",
    .details =
        "States a new version 1 that names the version it leaves, with all who belong now. It is a community of its\n"
        "own, and whoever does not ratify it stays where it was.\n",
    .options = refound_options,
    .max_args = 1,
    .run = run_refound,
};
