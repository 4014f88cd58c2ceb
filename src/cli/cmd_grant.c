/* tongzhou community grant: what was said to a group before goes to those who came into it later. */
#include "cli/commands.h"
#include "cli/community.h"
#include "connect/publishing.h"
#include "state/author.h"

static const struct option options[] = {
    {"since", "T", "only what was said from this time on: 2026-11-22, or 2d for two days", AT_MOST_ONCE},
    {"as", "MEMBER", "a member that lives on this node (default: the operator)", AT_MOST_ONCE},
    {"alone", NULL, "do not ask peers first whether they know more of our logs", AT_MOST_ONCE},
    {0},
};

/* A group's whole address, of ours or another's that stands. */
static int name_group(struct invocation *inv, struct desk_session *desk, struct grant *grant)
{
    struct named_audience *named = arena_alloc(&desk->arena, sizeof(*named));
    struct span typed = span_str(inv->args[0]);
    char own[GRANT_GROUP_MAX + 1];
    if (!named)
        return err_memory(&inv->err), cli_fail(inv);
    if (group_name_valid(typed)) {
        snprintf(own, sizeof(own), "%s#%.*s", desk->self.origin, SPAN_ARGS(typed));
        typed = span_str(own);
    }
    if (publishing_name(&desk->session.view, typed, false, named, &inv->err))
        return cli_fail(inv);
    if (!audience_is_group(named->to[0]))
        return cli_usage(inv, "%s: not a group: NAME, or MEMBER#NAME", inv->args[0]);
    snprintf(grant->group, sizeof(grant->group), "%.*s", SPAN_ARGS(named->to[0]));
    return 0;
}

static int grant_to(struct invocation *inv, struct desk_session *desk)
{
    struct grant grant = {.has_since = cli_flag(inv, "since")};
    struct buf text;
    uint64_t index;
    if (grant.has_since && !cli_time_ms(inv, cli_option(inv, "since", NULL), &grant.since_ms))
        return EXIT_USAGE;
    int status = name_group(inv, desk, &grant);
    if (status)
        return status;
    buf_init(&text, PAYLOAD_MAX);
    int rc = grant_write(&grant, cli_now_ms(), &text, &inv->err);
    struct author_item item = {.text = buf_view(&text)};
    if (!rc)
        rc = author_append(desk->session.store, desk->self.number, &item, 1, cli_now_ms(), &index, &inv->err);
    buf_done(&text);
    if (rc)
        return cli_fail(inv);
    printf("%s/%llu\n", desk->self.origin, (unsigned long long)index);
    return session_fold(inv, &desk->session);
}

static int run(struct invocation *inv)
{
    struct desk_session desk;
    int status = community_session(inv, &desk, DESK_SIGN);
    if (!status)
        status = grant_to(inv, &desk);
    community_session_end(&desk);
    return status;
}

const struct command cmd_community_grant = {
    .name = "community grant",
    .arguments = "GROUP",
    .summary = "Give what was said to a group before to those who came into it later",
    .details =
        "What is said to a group goes to those who are in it then. Who comes later gets what was said before only "
        "when\n"
        "its author grants it: each author for its own log, all of it or from a time on, to those who are in the\n"
        "group by now. GROUP is NAME for one of ours, or MEMBER#NAME.\n\n"
        "  tongzhou community group energy-desk grid.example isac.example.net new.example\n"
        "  tongzhou community grant energy-desk --since 30d\n",
    .options = options,
    .min_args = 1,
    .max_args = 1,
    .run = run,
};
