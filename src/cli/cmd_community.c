/* tongzhou community found, join, sponsor, leave, endorse: what a member says about communities in its own log. */
#include "base/sha256.h"
#include "cli/commands.h"
#include "cli/community.h"
#include "cli/input.h"

#define ALONE                                                                                                          \
    {                                                                                                                  \
        "alone", NULL, "do not ask peers first whether they know more of our logs", AT_MOST_ONCE                       \
    }
#define AS                                                                                                             \
    {                                                                                                                  \
        "as", "MEMBER", "a member that lives on this node (default: the operator)", AT_MOST_ONCE                       \
    }
#define MESSAGE                                                                                                        \
    {                                                                                                                  \
        "message", "TEXT", "a word with it, a line that everybody can read", AT_MOST_ONCE                              \
    }

/* ---- found ---- */

static const struct option found_options[] = {
    {"with", "MEMBER", "a founder beside us", ANY_NUMBER},
    {"endorsements", "N", "a version needs at least N endorsements, never fewer than the quorum (default 1)",
     AT_MOST_ONCE},
    {"sponsors", "N", "operators that vouch for whoever wants to join (default 2)", AT_MOST_ONCE},
    {"notice-days", "N", "days from leaving to being taken off the roster (default 30)", AT_MOST_ONCE},
    {"charter", "FILE", "a charter of one's own, as `community charter --json` prints one", AT_MOST_ONCE},
    ALONE,
    {0},
};

static int read_charter(struct invocation *inv, struct desk_session *desk, struct charter *out)
{
    const char *path = cli_option(inv, "charter", NULL);
    struct buf body;
    uint64_t endorsements, sponsors, notice;
    if (!path) {
        charter_default(inv->args[0], out);
        if (!cli_number(inv, "endorsements", out->endorsements, CHARTER_ENDORSEMENTS_MAX, &endorsements) ||
            !cli_number(inv, "sponsors", out->sponsors, CHARTER_SPONSORS_MAX, &sponsors) ||
            !cli_number(inv, "notice-days", out->notice_days, CHARTER_NOTICE_DAYS_MAX, &notice))
            return EXIT_USAGE;
        out->endorsements = endorsements;
        out->sponsors = sponsors;
        out->notice_days = notice;
        return 0;
    }
    if (cli_flag(inv, "endorsements") || cli_flag(inv, "sponsors") || cli_flag(inv, "notice-days"))
        return cli_usage(inv, "--endorsements, --sponsors and --notice-days stand in the file of --charter");
    buf_init(&body, INLINE_MAX);
    int status = input_slurp(path, INLINE_MAX, &body, &inv->err) ||
                         charter_parse_body(buf_view(&body), &desk->arena, out, &inv->err)
                     ? cli_fail(inv)
                     : 0;
    buf_done(&body);
    if (!status && inv->args[0])
        out->name = inv->args[0];
    return status;
}

static int add_founder(struct invocation *inv, struct desk_session *desk, const char *origin,
                       struct roster_version *version)
{
    struct roster_addition *founder = &version->additions[version->addition_count];
    for (size_t i = 0; i < version->addition_count; i++)
        if (strcmp(version->additions[i].origin, origin) == 0)
            return 0;
    if (version->addition_count == ROSTER_CHANGES_MAX)
        return cli_usage(inv, "at most %d founders", ROSTER_CHANGES_MAX);
    *founder = (struct roster_addition){.origin = origin};
    if (desk_profile(&desk->session.view, origin, &desk->arena, &founder->operator, & founder->class, &inv->err))
        return cli_fail(inv);
    version->addition_count++;
    return 0;
}

static int collect_founders(struct invocation *inv, struct desk_session *desk, struct roster_version *version)
{
    version->additions = arena_array(&desk->arena, ROSTER_CHANGES_MAX, sizeof(*version->additions));
    if (!version->additions)
        return err_memory(&inv->err), cli_fail(inv);
    int status = add_founder(inv, desk, arena_strz(&desk->arena, span_str(desk->self.origin)), version);
    for (int i = 0; !status && i < inv->given_count; i++) {
        const char *origin;
        if (strcmp(inv->given[i].option->name, "with") != 0)
            continue;
        status = community_member_named(inv, desk, inv->given[i].value, &origin);
        if (!status)
            status = add_founder(inv, desk, origin, version);
    }
    return status;
}

static void print_founded(const struct desk_session *desk, const struct charter *charter)
{
    fputs("community ", stdout);
    put_hash(stdout, desk->hash);
    fputs(" (", stdout);
    cli_put_text(stdout, span_str(charter->name), CHARTER_NAME_MAX);
    fputs(")\n", stdout);
    if (desk->now.founded) {
        puts("Version 1 is in force.");
        return;
    }
    fputs("Version 1 is ", stdout);
    put_outlook(stdout, &desk->now, &desk->now.versions[0]);
    fputs(".\nThey say so by: tongzhou community endorse ", stdout);
    put_hash(stdout, desk->hash);
    putchar('\n');
}

/* Charter, version 1 and our endorsement of it are one batch: nobody sees one without the others. */
static int found(struct invocation *inv, struct desk_session *desk)
{
    struct charter *charter = arena_alloc(&desk->arena, sizeof(*charter));
    struct roster_version version = {.version = 1};
    struct statement endorse = {.type = STATEMENT_ENDORSE};
    struct buf texts[3];
    if (!charter)
        return err_memory(&inv->err), cli_fail(inv);
    int status = read_charter(inv, desk, charter);
    if (!status)
        status = collect_founders(inv, desk, &version);
    if (status)
        return status;
    for (size_t i = 0; i < 3; i++)
        buf_init(&texts[i], INLINE_MAX);
    int rc = charter_write(charter, cli_now_ms(), &texts[0], &inv->err);
    sha256_once(buf_view(&texts[0]), version.charter);
    if (!rc)
        rc = roster_write(&version, cli_now_ms(), &texts[1], &inv->err);
    sha256_once(buf_view(&texts[1]), endorse.target);
    memcpy(desk->hash, endorse.target, 32);
    if (!rc)
        rc = statement_write(&endorse, cli_now_ms(), &texts[2], &inv->err);
    status = rc ? cli_fail(inv) : community_append(inv, desk, texts, 3);
    for (size_t i = 0; i < 3; i++)
        buf_done(&texts[i]);
    if (!status)
        status = community_walk_again(inv, desk);
    if (!status)
        print_founded(desk, charter);
    return status;
}

static int run_found(struct invocation *inv)
{
    return community_command(inv, found);
}

const struct command cmd_community_found = {
    .name = "community found",
    .arguments = "NAME",
    .summary = "Found a community: its charter and the first version of its roster",
    .details =
        "The default charter's articles are respect for sovereignty, peace and security, open cooperation and good\n"
        "order. Founders are members whose logs are here; version 1 is in force when a quorum of their operators\n"
        "has endorsed it, each in its own log.\n\n"
        "  tongzhou community found Harbour --with isac.example.net --with city.example\n",
    .options = found_options,
    .min_args = 1,
    .max_args = 1,
    .run = run_found,
};

/* ---- join, leave, sponsor ---- */

static void take_message(const struct invocation *inv, struct statement *statement)
{
    snprintf(statement->message, sizeof(statement->message), "%s", cli_option(inv, "message", ""));
}

static int check_message(struct invocation *inv)
{
    size_t len = strlen(cli_option(inv, "message", ""));
    return len <= STATEMENT_MESSAGE_MAX
               ? 0
               : cli_usage(inv, "--message has %zu bytes, limit %d", len, STATEMENT_MESSAGE_MAX);
}

static int join(struct invocation *inv, struct desk_session *desk)
{
    struct statement said = {.type = STATEMENT_JOIN};
    int status = check_message(inv);
    if (!status)
        status = community_read(inv, desk, inv->args[0]);
    if (status)
        return status;
    const struct community_member *line = community_find(&desk->now, desk->self.origin);
    if (line && community_belongs(line)) {
        err_set(&inv->err, ERR_EXISTS, "%s belongs to it already", desk->self.origin);
        return cli_fail(inv);
    }
    memcpy(said.target, desk->hash, 32);
    take_message(inv, &said);
    status = community_say(inv, desk, &said);
    if (!status && line)
        puts("Said. We are on the roster, so we belong to it again at once.");
    else if (!status)
        printf("Asked to join. %llu of its operators have to vouch for us: tongzhou community sponsor\n",
               desk->now.charter ? (unsigned long long)desk->now.charter->sponsors : 0);
    return status;
}

static int run_join(struct invocation *inv)
{
    return community_command(inv, join);
}

static const struct option said_options[] = {MESSAGE, AS, ALONE, {0}};

const struct command cmd_community_join = {
    .name = "community join",
    .arguments = "COMMUNITY",
    .summary = "Ask to join a community",
    .details =
        "The request stands in our own log. When enough members vouch for us one of them proposes a roster version\n"
        "with us in it, and we belong once it is in force.\n",
    .options = said_options,
    .min_args = 1,
    .max_args = 1,
    .run = run_join,
};

static int leave(struct invocation *inv, struct desk_session *desk)
{
    struct statement said = {.type = STATEMENT_LEAVE};
    int status = check_message(inv);
    if (!status)
        status = community_read(inv, desk, inv->arg_count > 0 ? inv->args[0] : NULL);
    if (status)
        return status;
    memcpy(said.target, desk->hash, 32);
    take_message(inv, &said);
    status = community_say(inv, desk, &said);
    if (!status)
        printf("Left. We belong to it no more; the roster drops us with a version after %llu days of notice.\n",
               desk->now.charter ? (unsigned long long)desk->now.charter->notice_days : 0);
    return status;
}

static int run_leave(struct invocation *inv)
{
    return community_command(inv, leave);
}

const struct command cmd_community_leave = {
    .name = "community leave",
    .arguments = "[COMMUNITY]",
    .summary = "Leave a community: takes effect at once, and nobody can refuse it",
    .options = said_options,
    .max_args = 1,
    .run = run_leave,
};

static int sponsor(struct invocation *inv, struct desk_session *desk)
{
    struct statement said = {.type = STATEMENT_SPONSOR};
    const char *origin;
    int status = check_message(inv);
    if (!status)
        status = community_read(inv, desk, inv->args[0]);
    if (!status)
        status = community_member_named(inv, desk, inv->args[1], &origin);
    if (status)
        return status;
    const struct community_member *line = community_find(&desk->now, desk->self.origin);
    if (!line || !community_belongs(line))
        err_set(&inv->err, ERR_REFUSED, "%s does not belong to it: only members vouch", desk->self.origin);
    else if (community_find(&desk->now, origin))
        err_set(&inv->err, ERR_EXISTS, "%s is on the roster already", origin);
    if (inv->err.code)
        return cli_fail(inv);
    memcpy(said.target, desk->hash, 32);
    snprintf(said.origin, sizeof(said.origin), "%s", origin);
    take_message(inv, &said);
    status = community_say(inv, desk, &said);
    if (!status)
        printf("Vouched for %s. Next: tongzhou community propose\n", origin);
    return status;
}

static int run_sponsor(struct invocation *inv)
{
    return community_command(inv, sponsor);
}

const struct command cmd_community_sponsor = {
    .name = "community sponsor",
    .arguments = "COMMUNITY MEMBER",
    .summary = "Vouch for a member that asks to join",
    .details = "Said once it stays said. Sponsors of one operator count as one.\n",
    .options = said_options,
    .min_args = 2,
    .max_args = 2,
    .run = run_sponsor,
};
