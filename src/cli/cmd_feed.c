/* tongzhou feed add, list, remove: lists that are fetched again and again. */
#include "base/when.h"
#include "cli/commands.h"
#include "cli/session.h"
#include "security/feed.h"
#include "security/import.h"

static const struct option add_options[] = {
    {"every", "D", "how often: 15m, 1h, 1d (default 1h)", AT_MOST_ONCE},
    {"tlp", "T", "for whom (required unless --local)", AT_MOST_ONCE},
    {"local", NULL, "into the node's local log, which is never served: for commercial or duplicated feeds",
     AT_MOST_ONCE},
    {"format", "F", "auto (default), stix, misp, list or maltrail", AT_MOST_ONCE},
    {"as", "MEMBER", "a member that lives on this node (default: the operator)", AT_MOST_ONCE},
    {0},
};

static const char *duration(int64_t seconds, char out[32])
{
    static const struct unit {
        int64_t seconds;
        char letter;
    } units[] = {{604800, 'w'}, {86400, 'd'}, {3600, 'h'}, {60, 'm'}, {1, 's'}};
    size_t i = 0;
    while (seconds % units[i].seconds != 0)
        i++;
    snprintf(out, 32, "%lld%c", (long long)(seconds / units[i].seconds), units[i].letter);
    return out;
}

static int add(struct invocation *inv, struct session *session, struct feed *feed)
{
    struct log_info log;
    int rc = cli_flag(inv, "local") ? session_local(inv, session, false, &log) : session_author(inv, session, &log);
    if (rc)
        return rc;
    feed->log_number = log.number;
    feed->due_ms = cli_now_ms();
    if (feed_add(session->store, feed, &feed->number, &inv->err))
        return cli_fail(inv);
    char every[32];
    printf("%s is fetched every %s into %s while `tongzhou serve` runs.\n", feed->url, duration(feed->every_s, every),
           log.origin);
    return EXIT_DONE;
}

static int run_add(struct invocation *inv)
{
    struct session session;
    struct feed feed = {0};
    bool known;
    const char *word = cli_option(inv, "tlp", NULL), *format = cli_option(inv, "format", "auto");
    if (!word && !cli_flag(inv, "local"))
        return cli_usage(inv, "--tlp is needed: nothing has a default audience (or --local)");
    feed.tlp = word ? tlp_parse(span_str(word)) : TLP_NONE;
    if (cli_flag(inv, "local") && cli_option(inv, "as", NULL))
        return cli_usage(inv, "--local and --as exclude each other: the local log is nobody's voice");
    if (word && feed.tlp == TLP_NONE)
        return cli_usage(inv, "--tlp %s: must be clear, green, amber, amber+strict or red", word);
    if (!cli_duration_s(inv, cli_option(inv, "every", "1h"), &feed.every_s))
        return EXIT_USAGE;
    if (feed.every_s < 60)
        return cli_usage(inv, "--every: less than a minute is a burden on whoever serves the feed");
    (void)import_format_parse(span_str(format), &known);
    if (!known)
        return cli_usage(inv, "--format %s: must be auto, stix, misp, list or maltrail", format);
    snprintf(feed.format, sizeof(feed.format), "%s", format);
    if (feed_url_canonical(span_str(inv->args[0]), feed.url, &inv->err))
        return cli_usage(inv, "%s", inv->err.text);
    int status = session_open(inv, &session, SESSION_WRITE | SESSION_INDEX, OUTLET_CLI_LOG);
    if (!status)
        status = add(inv, &session, &feed);
    session_close(&session);
    return status;
}

const struct command cmd_feed_add = {
    .name = "feed add",
    .arguments = "URL",
    .summary = "Import a list from the web regularly",
    .details = "Fetched only when it changed; what vanishes from it is marked as no longer valid.\n\n"
               "  tongzhou feed add https://example.org/bad-domains.txt --every 1h --tlp clear\n",
    .options = add_options,
    .min_args = 1,
    .max_args = 1,
    .run = run_add,
};

static int print_feed(void *ctx, const struct feed *feed, struct err *err)
{
    char fetched[WHEN_TEXT_LEN + 1] = "never";
    char every[32], audience[32] = "local";
    (void)err;
    ++*(uint64_t *)ctx;
    if (feed->fetched_ms)
        when_format(feed->fetched_ms, fetched);
    if (feed->tlp)
        snprintf(audience, sizeof(audience), "TLP:%s", tlp_word((enum tlp)feed->tlp));
    printf("%s  every %s  %s  fetched %.19s  ", feed->url, duration(feed->every_s, every), audience, fetched);
    cli_put_counted(stdout, feed->items, "item", "items");
    printf(", %llu vanished", (unsigned long long)feed->vanished);
    if (feed->failures)
        printf("; failed %u time%s: %s", feed->failures, feed->failures == 1 ? "" : "s", feed->reason);
    putchar('\n');
    return 0;
}

static int run_list(struct invocation *inv)
{
    struct session session;
    int status = session_open(inv, &session, 0, OUTLET_CLI_LOG);
    uint64_t count = 0;
    if (!status && feed_each(session.store, print_feed, &count, &inv->err))
        status = cli_fail(inv);
    if (!status && count == 0)
        puts("no feeds yet: tongzhou feed add URL --tlp clear");
    session_close(&session);
    return status;
}

const struct command cmd_feed_list = {
    .name = "feed list",
    .arguments = "",
    .summary = "List the feeds, when they were fetched and what was wrong",
    .max_args = 0,
    .run = run_list,
};

static int run_remove(struct invocation *inv)
{
    struct session session;
    struct feed feed;
    char url[PEER_URL_MAX + 1];
    int status = session_open(inv, &session, SESSION_WRITE, OUTLET_CLI_LOG);
    if (!status && (feed_url_canonical(span_str(inv->args[0]), url, &inv->err) ||
                    feed_find(session.store, span_str(url), &feed, &inv->err) ||
                    feed_remove(session.store, feed.number, &inv->err)))
        status = cli_fail(inv);
    if (!status)
        printf("%s is fetched no more; what it brought stays.\n", feed.url);
    session_close(&session);
    return status;
}

const struct command cmd_feed_remove = {
    .name = "feed remove",
    .arguments = "URL",
    .summary = "Stop fetching a feed",
    .min_args = 1,
    .max_args = 1,
    .run = run_remove,
};
