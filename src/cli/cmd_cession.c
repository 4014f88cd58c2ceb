/* tongzhou cession give, revoke: a power of a member that lives here, lent to another. */
#include "base/when.h"
#include "cli/cessions.h"
#include "cli/commands.h"
#include "connect/publishing.h"
#include "state/author.h"

static const struct option give_options[] = {
    {"until", "T", "when it ends: 2026-12-24, 2026-12-24T18:00:00Z, or 30d after its begin; at most ten years", ONCE},
    {"from", "T", "when it begins: a date, an instant, or in 2d (default: now)", AT_MOST_ONCE},
    {"group", "NAME", "to admit: to which group of ours", AT_MOST_ONCE},
    {"kind", "KIND", "to moderate: only contents of this kind: culture/note, or culture/* for all of culture",
     ANY_NUMBER},
    {"author", "MEMBER", "to moderate: only contents of this member, or of a group's members: MEMBER#NAME", ANY_NUMBER},
    {"about", "TEXT", "what for; everybody can read it", AT_MOST_ONCE},
    {"as", "MEMBER", "a member that lives on this node (default: the operator)", AT_MOST_ONCE},
    {"alone", NULL, "do not ask peers first whether they know more of our logs", AT_MOST_ONCE},
    {0},
};

/* ---- what is typed ---- */

/* A date, an instant, or so much after `begin_ms`. */
static bool read_time(struct invocation *inv, const char *text, int64_t begin_ms, int64_t *ret)
{
    int64_t after_s;
    if (when_parse_loose(span_str(text), ret))
        return true;
    if (!cli_duration_s(inv, text, &after_s))
        return false;
    *ret = begin_ms + after_s * 1000;
    return true;
}

static int read_times(struct invocation *inv, int64_t now_ms, struct cession *out)
{
    const char *from = cli_option(inv, "from", NULL), *until = cli_option(inv, "until", NULL);
    if (!until)
        return cli_usage(inv, "--until is needed: what is lent has an end");
    if (from && !read_time(inv, from, now_ms, &out->from_ms))
        return EXIT_USAGE;
    if (from && out->from_ms < now_ms)
        return cli_usage(inv, "--from %s: has passed; nothing is ceded for a time before it was", from);
    if (!read_time(inv, until, from ? out->from_ms : now_ms, &out->until_ms))
        return EXIT_USAGE;
    if (out->until_ms <= (from ? out->from_ms : now_ms))
        return cli_usage(inv, "--until %s: ends before it begins", until);
    return 0;
}

static int read_text(struct invocation *inv, const char *option, struct cession *out)
{
    const char *text = cli_option(inv, option, NULL);
    if (text && (strlen(text) > CESSION_LINE_MAX || !*text || !record_value_valid(span_str(text))))
        return cli_usage(inv, "--%s: must be one line of at most %d bytes", option, CESSION_LINE_MAX);
    snprintf(out->about, sizeof(out->about), "%s", text ? text : "");
    return 0;
}

static int read_kinds(struct invocation *inv, struct cession *out)
{
    for (int i = 0; i < inv->given_count; i++) {
        const char *value = inv->given[i].value;
        if (strcmp(inv->given[i].option->name, "kind") != 0)
            continue;
        if (!cession_kind_valid(span_str(value)))
            return cli_usage(inv, "--kind %s: must be CAPABILITY/NAME, or CAPABILITY/*", value);
        if (out->kind_count == CESSION_SCOPE_MAX)
            return cli_usage(inv, "--kind: at most %d", CESSION_SCOPE_MAX);
        out->kinds[out->kind_count++] = value;
    }
    return 0;
}

/* The power, and whether what it is limited to belongs to it. */
static int read_power(struct invocation *inv, struct cession *out)
{
    const char *group = cli_option(inv, "group", NULL);
    out->power = cession_power_find(span_str(inv->args[0]));
    if (out->power == POWER_UNKNOWN)
        return cli_usage(inv, "%s: the powers that can be ceded are moderate and admit", inv->args[0]);
    bool admits = out->power == POWER_ADMIT;
    if (admits && !group)
        return cli_usage(inv, "to admit needs --group NAME: to which group of ours");
    if (admits && (cli_flag(inv, "kind") || cli_flag(inv, "author")))
        return cli_usage(inv, "--kind and --author belong to moderate");
    if (!admits && group)
        return cli_usage(inv, "--group belongs to admit; contents of a group's members are --author MEMBER#NAME");
    if (group && !group_name_valid(span_str(group)))
        return cli_usage(inv, "--group %s: a group's name has 1 to %d of a to z, 0 to 9 and inner -", group,
                         GROUP_NAME_MAX);
    snprintf(out->group, sizeof(out->group), "%s", group ? group : "");
    return 0;
}

/* A member's origin or a group's address, whole. */
static int name_whole(struct invocation *inv, struct desk_session *desk, const char *typed, const char **ret)
{
    struct named_audience *named = arena_alloc(&desk->arena, sizeof(*named));
    if (!named)
        return err_memory(&inv->err), cli_fail(inv);
    if (publishing_is_person(span_str(typed)))
        return cli_usage(inv, "%s: a power is ceded to members and groups, not to persons", typed);
    if (publishing_name(&desk->session.view, span_str(typed), false, named, &inv->err))
        return cli_fail(inv);
    *ret = arena_strz(&desk->arena, named->to[0]);
    return *ret ? 0 : (err_memory(&inv->err), cli_fail(inv));
}

static int name_all(struct invocation *inv, struct desk_session *desk, struct cession *out)
{
    const char *to = NULL;
    int status = name_whole(inv, desk, inv->args[1], &to);
    for (int i = 0; !status && i < inv->given_count; i++) {
        if (strcmp(inv->given[i].option->name, "author") != 0)
            continue;
        if (out->member_count == CESSION_SCOPE_MAX)
            return cli_usage(inv, "--author: at most %d", CESSION_SCOPE_MAX);
        status = name_whole(inv, desk, inv->given[i].value, &out->members[out->member_count++]);
    }
    if (!status && strcmp(to, desk->self.origin) == 0)
        status = cli_usage(inv, "%s: has its powers already", inv->args[1]);
    if (!status)
        snprintf(out->to, sizeof(out->to), "%s", to);
    return status;
}

/* ---- give ---- */

/* Does the speaker have what it gives? */
static int check_power(struct invocation *inv, struct desk_session *desk, const struct cession *c)
{
    char group[GROUP_ADDRESS_MAX + 1];
    struct log_info operator;
    if (c->power == POWER_MODERATE) {
        if (store_operator(desk->session.store, &operator, & inv->err))
            return cli_fail(inv);
        if (strcmp(operator.origin, desk->self.origin) == 0)
            return 0;
        err_set(&inv->err, ERR_REFUSED, "%s is a guest here: what this node shows its operator alone decides",
                desk->self.origin);
        return cli_fail(inv);
    }
    snprintf(group, sizeof(group), "%s#%s", desk->self.origin, c->group);
    enum group_state state = governance_group_state(&desk->session.view, span_str(group));
    if (state == GROUP_STANDS || state == GROUP_EMPTY)
        return 0;
    err_set(&inv->err, ERR_NOTFOUND, "%s: no group of ours that stands: tongzhou community group %s MEMBER...", group,
            c->group);
    return cli_fail(inv);
}

static int append(struct invocation *inv, struct desk_session *desk, const struct cession *c, int64_t now_ms)
{
    struct buf text;
    uint64_t index;
    buf_init(&text, INLINE_MAX);
    int rc = cession_write(c, now_ms, &text, &inv->err);
    struct author_item item = {.text = buf_view(&text)};
    if (!rc)
        rc = author_append(desk->session.store, desk->self.number, &item, 1, now_ms, &index, &inv->err);
    buf_done(&text);
    if (rc)
        return cli_fail(inv);
    printf("%s/%llu\n", desk->self.origin, (unsigned long long)index);
    return session_fold(inv, &desk->session);
}

static int run_give(struct invocation *inv)
{
    struct desk_session desk;
    struct cession cession = {0};
    int64_t now_ms = cli_now_ms();
    int status = read_power(inv, &cession);
    if (!status)
        status = read_times(inv, now_ms, &cession);
    if (!status)
        status = read_kinds(inv, &cession);
    if (!status)
        status = read_text(inv, "about", &cession);
    if (status)
        return status;
    status = community_session(inv, &desk, DESK_SIGN);
    if (!status)
        status = name_all(inv, &desk, &cession);
    if (!status)
        status = check_power(inv, &desk, &cession);
    if (!status)
        status = append(inv, &desk, &cession, now_ms);
    community_session_end(&desk);
    return status;
}

const struct command cmd_cession_give = {
    .name = "cession give",
    .arguments = "POWER MEMBER",
    .summary = "Hand a power of ours to another member, or to a group, for a time",
    .details =
        "POWER is one of\n\n"
        "  moderate  decisions about contents of others that it publishes (policy refuse, release --publish) take "
        "effect on\n"
        "            this node, too, as if a person here had decided; what a person here decides goes above them\n"
        "  admit     whom it admits (community group MEMBER#NAME) is in a group of ours while this lasts\n\n"
        "MEMBER may be a group, MEMBER#NAME: then it is for whoever is on its list. The record is for everybody to\n"
        "read. It cannot be handed on. `cession revoke` ends it at once; decisions of before stand until another.\n\n"
        "  tongzhou cession give moderate isac.example --kind culture/* --until 30d\n"
        "  tongzhou cession give admit isac.example --group energy-desk --until 2027-03-01\n",
    .options = give_options,
    .min_args = 2,
    .max_args = 2,
    .run = run_give,
};

/* ---- revoke ---- */

static const struct option revoke_options[] = {
    {"reason", "TEXT", "why; everybody can read it", AT_MOST_ONCE},
    {"as", "MEMBER", "a member that lives on this node (default: the operator)", AT_MOST_ONCE},
    {"alone", NULL, "do not ask peers first whether they know more of our logs", AT_MOST_ONCE},
    {0},
};

static int revoke(struct invocation *inv, struct desk_session *desk, struct cession *end)
{
    struct governance_cession given;
    struct log_info log = desk->self;
    int64_t now_ms = cli_now_ms();
    int status = span_u64(span_str(inv->args[0]), LOG_SIZE_MAX, &end->index)
                     ? 0
                     : session_record(inv, &desk->session, inv->args[0], &log, &end->index);
    if (status)
        return status;
    if (log.number != desk->self.number) {
        err_set(&inv->err, ERR_REFUSED, "only %s takes back what it has ceded", log.origin);
        return cli_fail(inv);
    }
    if (cessions_find(&desk->session.view, RECORD_REF(log.number, end->index), now_ms, &desk->arena, &given,
                      &inv->err)) {
        err_in(&inv->err, "%s", inv->args[0]);
        return cli_fail(inv);
    }
    if (given.revoked) {
        err_set(&inv->err, ERR_EXISTS, "%s: is revoked already", inv->args[0]);
        return cli_fail(inv);
    }
    return append(inv, desk, end, now_ms);
}

static int run_revoke(struct invocation *inv)
{
    struct desk_session desk;
    struct cession end = {.revokes = true};
    int status = read_text(inv, "reason", &end);
    if (status)
        return status;
    status = community_session(inv, &desk, DESK_SIGN);
    if (!status)
        status = revoke(inv, &desk, &end);
    community_session_end(&desk);
    return status;
}

const struct command cmd_cession_revoke = {
    .name = "cession revoke",
    .arguments = "MEMBER/INDEX",
    .summary = "Take a ceded power back, at once",
    .details =
        "From now on nothing that its holder decides takes effect, and whom it admitted is in the group no more,\n"
        "unless our own list names him. What it decided before stands until another decision: `tongzhou why`\n"
        "names the cession, `policy release` and `policy refuse` decide anew.\n",
    .options = revoke_options,
    .min_args = 1,
    .max_args = 1,
    .run = run_revoke,
};
