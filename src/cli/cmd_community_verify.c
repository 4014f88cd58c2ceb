/* tongzhou community verify: is a member's name its own? */
#include <netinet/in.h>

#include "base/json.h"
#include "base/when.h"
#include "cli/commands.h"
#include "cli/community.h"
#include "connect/naming.h"

static const struct option verify_options[] = {
    {"resolver", "ADDRESS", "ask this DNS server, an IPv4 address with or without :PORT", AT_MOST_ONCE},
    {"json", NULL, "a JSON object a line", AT_MOST_ONCE},
    {0},
};

static void print_json(const struct name_check *check)
{
    struct buf line;
    char when[WHEN_TEXT_LEN + 1];
    buf_init(&line, 8192);
    when_format(check->checked_ms, when);
    buf_str(&line, "{\"origin\":");
    buf_json_string(&line, span_str(check->origin));
    buf_fmt(&line, ",\"verified\":%s,\"how\":\"%s\",\"checked\":\"%s\",\"detail\":",
            check->method == NAME_NOWHERE ? "false" : "true", name_method_word(check->method), when);
    buf_json_string(&line, span_str(check->detail));
    buf_str(&line, "}\n");
    fwrite(line.data, 1, line.len, stdout);
    buf_done(&line);
}

static void print_check(const struct name_check *check)
{
    put_origin(stdout, check->origin);
    if (check->method == NAME_DNS)
        puts(": verified, its domain says so in DNS");
    else if (check->method == NAME_HTTPS)
        puts(": verified, its website says so");
    else
        printf(": claimed. %s\n", check->detail);
}

static int verify_one(struct invocation *inv, struct desk_session *desk, const struct naming_options *options,
                      const char *origin)
{
    struct name_check check;
    if (naming_check(options, origin, &check, &inv->err) || name_check_put(desk->session.store, &check, &inv->err))
        return cli_fail(inv);
    if (cli_flag(inv, "json"))
        print_json(&check);
    else
        print_check(&check);
    return 0;
}

static int verify(struct invocation *inv, struct desk_session *desk, const struct naming_options *options)
{
    int status = 0;
    for (int i = 0; !status && i < inv->arg_count; i++) {
        const char *origin;
        status = community_member_named(inv, desk, inv->args[i], &origin);
        if (!status)
            status = verify_one(inv, desk, options, origin);
    }
    if (status || inv->arg_count > 0)
        return status;
    status = community_read(inv, desk, NULL);
    for (size_t i = 0; !status && i < desk->now.member_count; i++)
        status = verify_one(inv, desk, options, desk->now.members[i].origin);
    return status;
}

static int run(struct invocation *inv)
{
    struct desk_session desk;
    struct sockaddr_in server;
    struct naming_options naming = {.now_ms = cli_now_ms()};
    const char *resolver = cli_option(inv, "resolver", NULL);
    if (resolver && !naming_server(resolver, &server))
        return cli_usage(inv, "--resolver %s: an IPv4 address is needed, with or without :PORT", resolver);
    naming.dns = resolver ? &server : NULL;
    int status = community_session(inv, &desk, inv->arg_count > 0 ? DESK_NOBODY : 0);
    if (!status)
        status = verify(inv, &desk, &naming);
    community_session_end(&desk);
    return status;
}

const struct command cmd_community_verify = {
    .name = "community verify",
    .arguments = "[MEMBER...]",
    .summary = "Look up whether members' names are their own",
    .details =
        "A name is verified if its domain says so, in a DNS TXT record at _tongzhou.NAME or in the file\n"
        "https://NAME/.well-known/tongzhou, by the line origin=NAME/HASH. Otherwise it is claimed. What was found, "
        "and\n"
        "when, is shown on this node's pages. A node that is reached under its member's name gives that file itself.\n"
        "Without MEMBER all of our community are looked up.\n",
    .options = verify_options,
    .max_args = -1,
    .run = run,
};
