/* tongzhou community endorse: consent to a roster version. */
#include "cli/commands.h"
#include "cli/community.h"

static const struct option endorse_options[] = {
    {"regardless", NULL, "endorse although the members' logs do not bear out what it says", AT_MOST_ONCE},
    {"as", "MEMBER", "a member that lives on this node (default: the operator)", AT_MOST_ONCE},
    {"alone", NULL, "do not ask peers first whether they know more of our logs", AT_MOST_ONCE},
    {0},
};

static int load_version(struct invocation *inv, struct desk_session *desk, const uint8_t hash[32],
                        struct roster_version *ret)
{
    struct community_source source = governance_source(desk->session.index);
    return source.version(source.ctx, hash, &desk->arena, ret, &inv->err) ? cli_fail(inv) : 0;
}

/* A founder looks at its own line; the others speak for theirs. */
static int check_founding(struct invocation *inv, struct desk_session *desk, const struct roster_version *version)
{
    const char *operator;
    enum member_class class;
    if (desk_profile(&desk->session.view, desk->self.origin, &desk->arena, &operator, & class, &inv->err))
        return cli_fail(inv);
    for (size_t i = 0; i < version->addition_count; i++) {
        const struct roster_addition *line = &version->additions[i];
        if (strcmp(line->origin, desk->self.origin) != 0)
            continue;
        if (strcmp(line->operator, operator) == 0 && line->class == class)
            return 0;
        err_set(&inv->err, ERR_VERIFY, "it lists us with operator %s and class %s; our profile says otherwise",
                line->operator, member_class_word(line->class));
        return cli_fail(inv);
    }
    err_set(&inv->err, ERR_REFUSED, "%s is not among those who would found it", desk->self.origin);
    return cli_fail(inv);
}

static bool is_in_force(const struct desk_session *desk, const uint8_t hash[32])
{
    for (size_t i = 0; i < desk->now.version_count; i++)
        if (desk->now.versions[i].state == VERSION_IN_FORCE && memcmp(desk->now.versions[i].hash, hash, 32) == 0)
            return true;
    return false;
}

/* One endorsement more makes what is in force hold even if somebody's log is frozen one day: nothing is left to judge. */
static int check_child(struct invocation *inv, struct desk_session *desk, const struct roster_version *version,
                       const uint8_t hash[32])
{
    struct err told = {0};
    int status = community_refuse_second(inv, desk, version->parent);
    bool done = is_in_force(desk, hash);
    if (status)
        return status;
    if (!done && (!desk->now.founded || memcmp(version->parent, desk->now.tip, 32) != 0)) {
        err_set(&inv->err, ERR_STATE, "its parent is not the version in force, as far as logs are here");
        return cli_fail(inv);
    }
    if (!community_is_operator(&desk->now, desk->self.origin)) {
        err_set(&inv->err, ERR_REFUSED, "%s is no operator on the roster in force: its endorsement would not count",
                desk->self.origin);
        return cli_fail(inv);
    }
    if (done)
        return 0;
    if (desk_check(&desk->session.view, &desk->now, version, cli_now_ms(), &desk->arena, &told) == 0)
        return 0;
    if (told.code == ERR_VERIFY && cli_flag(inv, "regardless") &&
        community_check_child(&desk->now, version, &desk->arena, &inv->err) == 0) {
        cli_note("endorsed regardless: %s", told.text);
        return 0;
    }
    inv->err = told;
    return cli_fail(inv);
}

static int endorse(struct invocation *inv, struct desk_session *desk)
{
    uint8_t hash[32];
    struct roster_version version;
    if (governance_find_version(&desk->session.view, span_str(inv->args[0]), hash, desk->hash, &inv->err))
        return cli_fail(inv);
    int status = community_walk_again(inv, desk);
    if (!status)
        status = load_version(inv, desk, hash, &version);
    if (!status)
        status = version.has_parent ? check_child(inv, desk, &version, hash) : check_founding(inv, desk, &version);
    if (status)
        return status;
    struct statement said = community_endorsement(hash, version.has_parent ? version.parent : NULL);
    status = community_say(inv, desk, &said);
    if (!status)
        status = community_walk_again(inv, desk);
    if (!status)
        put_version(desk, hash);
    return status;
}

static int run_endorse(struct invocation *inv)
{
    return community_command(inv, endorse);
}

const struct command cmd_community_endorse = {
    .name = "community endorse",
    .arguments = "VERSION",
    .summary = "Endorse a roster version: irrevocable, one for each parent",
    .details =
        "VERSION is a hash, or 8 or more of its first digits, as `community show` prints it. What the version says is\n"
        "compared with the members' own logs first: that those it adds have asked, that their sponsors vouch for\n"
        "them, that whoever \"left\" has left and its notice is over. A founding, or re-founding, is endorsed by the\n"
        "same command; only then do we belong to it.\n",
    .options = endorse_options,
    .min_args = 1,
    .max_args = 1,
    .run = run_endorse,
};
