/* tongzhou community group, groups: named lists of members. */
#include "base/json.h"
#include "base/when.h"
#include "cli/commands.h"
#include "cli/community.h"
#include "connect/publishing.h"
#include "state/author.h"

static const struct option group_options[] = {
    {"end", NULL, "the group is no more", AT_MOST_ONCE},
    {"tlp", "T", "whom the list itself is for: clear (default), green, amber, amber+strict or red", AT_MOST_ONCE},
    {"as", "MEMBER", "a member that lives on this node (default: the operator)", AT_MOST_ONCE},
    {"alone", NULL, "do not ask peers first whether they know more of our logs", AT_MOST_ONCE},
    {0},
};

static int collect(struct invocation *inv, struct desk_session *desk, struct group *group)
{
    group->members = arena_array(&desk->arena, (size_t)inv->arg_count, sizeof(char *));
    if (!group->members)
        return err_memory(&inv->err), cli_fail(inv);
    for (int i = 1; i < inv->arg_count; i++) {
        int status = community_member_named(inv, desk, inv->args[i], &group->members[group->count]);
        if (status)
            return status;
        bool known = false;
        for (size_t k = 0; k < group->count; k++)
            known |= strcmp(group->members[k], group->members[group->count]) == 0;
        group->count += !known;
    }
    return 0;
}

static int append(struct invocation *inv, struct desk_session *desk, struct group *group, enum tlp tlp)
{
    struct buf text;
    uint64_t index;
    buf_init(&text, PAYLOAD_MAX);
    int rc = group_write(group, tlp, cli_now_ms(), &text, &inv->err);
    struct author_item item = {.text = buf_view(&text), .clear = tlp == TLP_CLEAR};
    if (!rc)
        rc = author_append(desk->session.store, desk->self.number, &item, 1, cli_now_ms(), &index, &inv->err);
    buf_done(&text);
    if (rc)
        return cli_fail(inv);
    if (group_admits(group->name))
        printf("%s: %s", group->name, group->ended ? "nobody is admitted any more." : "admitted, while that is ceded.");
    else
        printf("%s#%s%s", desk->self.origin, group->name, group->ended ? " has ended." : "");
    putchar('\n');
    return session_fold(inv, &desk->session);
}

/* A group of ours, or another member's, to which somebody is admitted. */
static int name_group(struct invocation *inv, struct desk_session *desk, struct group *group)
{
    struct named_audience *named = arena_alloc(&desk->arena, sizeof(*named));
    if (group_name_valid(span_str(inv->args[0]))) {
        snprintf(group->name, sizeof(group->name), "%s", inv->args[0]);
        return 0;
    }
    if (!named)
        return err_memory(&inv->err), cli_fail(inv);
    if (publishing_name(&desk->session.view, span_str(inv->args[0]), false, named, &inv->err))
        return cli_fail(inv);
    if (span_is(span_sub(named->to[0], 0, span_find(named->to[0], '#')), desk->self.origin))
        return cli_usage(inv, "%s: a group of ours is named by its name alone", inv->args[0]);
    snprintf(group->name, sizeof(group->name), "%.*s", SPAN_ARGS(named->to[0]));
    return 0;
}

static int set(struct invocation *inv, struct desk_session *desk, enum tlp tlp)
{
    struct group group = {.ended = cli_flag(inv, "end")};
    int status = name_group(inv, desk, &group);
    if (!status)
        status = collect(inv, desk, &group);
    return status ? status : append(inv, desk, &group, tlp);
}

static int run_group(struct invocation *inv)
{
    struct desk_session desk;
    const char *word = cli_option(inv, "tlp", "clear");
    enum tlp tlp = tlp_parse(span_str(word));
    bool admits = group_admits(inv->args[0]);
    if (!admits && !group_name_valid(span_str(inv->args[0])))
        return cli_usage(inv, "%s: a group's name has 1 to %d of a to z, 0 to 9 and inner -", inv->args[0],
                         GROUP_NAME_MAX);
    if (admits && tlp != TLP_NONE && tlp != TLP_CLEAR)
        return cli_usage(inv, "--tlp %s: whom one admits to another's group is for everybody to read", word);
    if (tlp == TLP_NONE)
        return cli_usage(inv, "--tlp %s: must be clear, green, amber, amber+strict or red", word);
    if (cli_flag(inv, "end") != (inv->arg_count == 1))
        return cli_usage(inv, "a group without members is nobody: name them, or say --end");
    if (inv->arg_count - 1 > GROUP_MEMBERS_MAX)
        return cli_usage(inv, "%d members, limit %d", inv->arg_count - 1, GROUP_MEMBERS_MAX);
    int status = community_session(inv, &desk, DESK_SIGN);
    if (!status)
        status = set(inv, &desk, tlp);
    community_session_end(&desk);
    return status;
}

const struct command cmd_community_group = {
    .name = "community group",
    .arguments = "NAME|MEMBER#NAME [MEMBER...]",
    .summary = "Publish a named list of members, or end it; or admit to another's group",
    .details =
        "Prints the group's address, ORIGIN#NAME. A later list of that name replaces it; --end ends it. Who does not\n"
        "get the list, because of its TLP, finds nobody in it. With MEMBER#NAME, a group of another member, it lists\n"
        "whom we admit to that one: they are in it while it is ceded to us to admit (tongzhou cession).\n\n"
        "  tongzhou community group energy-desk grid.example isac.example.net\n"
        "  tongzhou community group grid.example#energy-desk new.example\n",
    .options = group_options,
    .min_args = 1,
    .max_args = -1,
    .run = run_group,
};

/* ---- groups ---- */

static const struct option list_options[] = {
    {"json", NULL, "a JSON object a line", AT_MOST_ONCE},
    {0},
};

struct names {
    struct arena *arena;
    const char **origins;
    size_t count;
};

static int add_name(void *ctx, const char *origin, struct err *err)
{
    struct names *names = ctx;
    names->origins[names->count] = arena_strz(names->arena, span_str(origin));
    return names->origins[names->count++] ? 0 : err_memory(err);
}

struct group_list {
    struct governance_group *groups;
    size_t count, cap;
    struct arena *arena;
};

static int add_group(void *ctx, const struct governance_group *group, struct err *err)
{
    struct group_list *list = ctx;
    if (list->count == list->cap) {
        size_t cap = list->cap ? 2 * list->cap : 64;
        struct governance_group *grown = arena_array(list->arena, cap, sizeof(*grown));
        if (!grown)
            return err_memory(err);
        if (list->count > 0)
            memcpy(grown, list->groups, list->count * sizeof(*grown));
        list->groups = grown;
        list->cap = cap;
    }
    struct governance_group *own = &list->groups[list->count++];
    *own = *group;
    own->origin = arena_strz(list->arena, span_str(group->origin));
    own->name = arena_strz(list->arena, span_str(group->name));
    return own->origin && own->name ? 0 : err_memory(err);
}

static void print_json(const struct governance_group *group, struct names *names)
{
    struct buf line;
    buf_init(&line, 8u << 20);
    buf_str(&line, "{\"origin\":");
    buf_json_string(&line, span_str(group->origin));
    buf_str(&line, ",\"name\":");
    buf_json_string(&line, span_str(group->name));
    buf_fmt(&line, ",\"ended\":%s,", group->ended ? "true" : "false");
    json_origins(&line, "members", names->origins, names->count);
    buf_str(&line, "}\n");
    fwrite(line.data, 1, line.len, stdout);
    buf_done(&line);
}

static void print_group(const struct governance_group *group, struct names *names)
{
    char when[WHEN_TEXT_LEN + 1];
    when_format(group->time_ms, when);
    put_origin(stdout, group->origin);
    if (group_admits(group->name)) {
        fputs(" admits to ", stdout);
        put_address(stdout, group->name);
    } else {
        printf(" #%s", group->name);
    }
    printf(", since %.10s: ", when);
    if (group->ended)
        fputs("ended", stdout);
    else
        put_origins(stdout, names->origins, names->count);
    putchar('\n');
}

static int list(struct invocation *inv, struct desk_session *desk)
{
    struct group_list all = {.arena = &desk->arena};
    bool json = cli_flag(inv, "json");
    if (governance_groups(&desk->session.view, add_group, &all, &inv->err))
        return cli_fail(inv);
    for (size_t i = 0; i < all.count; i++) {
        struct arena arena;
        arena_init(&arena, 16u << 20);
        struct names names = {.arena = &arena, .origins = arena_array(&arena, GROUP_MEMBERS_MAX + 1, sizeof(char *))};
        int rc = names.origins
                     ? governance_group_members(&desk->session.view, all.groups[i].ref, add_name, &names, &inv->err)
                     : err_memory(&inv->err);
        if (!rc && json)
            print_json(&all.groups[i], &names);
        else if (!rc)
            print_group(&all.groups[i], &names);
        arena_done(&arena);
        if (rc)
            return cli_fail(inv);
    }
    if (all.count == 0 && !json)
        puts("no groups yet: tongzhou community group NAME MEMBER...");
    return 0;
}

static int run_list(struct invocation *inv)
{
    struct desk_session desk;
    int status = community_session(inv, &desk, DESK_NOBODY);
    if (!status)
        status = list(inv, &desk);
    community_session_end(&desk);
    return status;
}

const struct command cmd_community_groups = {
    .name = "community groups",
    .arguments = "",
    .summary = "List the groups that members have published",
    .options = list_options,
    .max_args = 0,
    .run = run_list,
};
