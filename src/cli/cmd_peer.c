/* tongzhou peer add, list, remove; follow. */
#include <unistd.h>

#include "base/when.h"
#include "cli/commands.h"
#include "cli/session.h"
#include "connect/peering.h"
#include "connect/startcheck.h"
#include "connect/sync.h"

/* ---- peer add ---- */

static const struct option add_options[] = {
    {"origin", "O", "go on only if its operator is O: an origin, or the fingerprint that you were told", AT_MOST_ONCE},
    {"quota-logs", "N", "logs that it may make us mirror unasked (default 1000)", AT_MOST_ONCE},
    {"quota-bytes", "N", "bytes of them (default 20 GiB)", AT_MOST_ONCE},
    {0},
};

static void print_found(const struct peering_found *found)
{
    printf("%s\n", found->url);
    fputs("  name         ", stdout);
    cli_put_text(stdout, span_str(found->profile.name), ORIGIN_NAME_MAX);
    printf("\n  fingerprint  %s\n  class        %s", found->fingerprint, member_class_word(found->profile.class));
    if (found->profile.jurisdiction[0]) {
        fputs(", ", stdout);
        cli_put_text(stdout, span_str(found->profile.jurisdiction), MEMBER_WORD_MAX);
    }
    fputs("\n  its log      ", stdout);
    cli_put_counted(stdout, found->size, "entry", "entries");
    printf("%s\n  announces    %zu%s log%s\n", found->size_verified ? ", signature verified" : "", found->logs,
           found->more_logs ? "+" : "", found->logs == 1 ? "" : "s");
}

/* Its hash part as it was told: 52 characters, in either case, with or without blanks between the groups. */
static bool read_fingerprint(const char *wanted, char out[ORIGIN_MAX + 1])
{
    size_t len = 0;
    for (; *wanted && len < ORIGIN_MAX - 2; wanted++)
        if (*wanted != ' ' && *wanted != '-')
            out[len++] = (char)(*wanted >= 'A' && *wanted <= 'Z' ? *wanted - 'A' + 'a' : *wanted);
    out[len] = '\0';
    char origin[ORIGIN_MAX + 8];
    snprintf(origin, sizeof(origin), "a/%s", out);
    return *wanted == '\0' && origin_valid(span_str(origin));
}

static bool origin_fits(const char *origin, const char *wanted)
{
    char fingerprint[ORIGIN_MAX + 1];
    return strcmp(origin, wanted) == 0 ||
           (read_fingerprint(wanted, fingerprint) && strcmp(strrchr(origin, '/') + 1, fingerprint) == 0);
}

static int add(struct invocation *inv, struct session *session, struct peer *peer)
{
    struct peering_found found;
    const char *wanted = cli_option(inv, "origin", NULL);
    peer->added_ms = cli_now_ms();
    if (peering_probe(span_str(inv->args[0]), &found, &inv->err))
        return cli_fail(inv);
    print_found(&found);
    if (wanted && !origin_fits(found.origin, wanted)) {
        err_set(&inv->err, ERR_REFUSED, "this is not %s: nothing was added", wanted);
        return cli_fail(inv);
    }
    snprintf(peer->url, sizeof(peer->url), "%s", found.url);
    snprintf(peer->origin, sizeof(peer->origin), "%s", found.origin);
    if (peer_add(session->store, peer, &peer->number, &inv->err))
        return cli_fail(inv);
    if (!wanted)
        puts("\nAdded. Compare the fingerprint with its operator over another channel: a telephone, a business card.");
    else
        puts("\nAdded: the fingerprint is the one that you gave.");
    return EXIT_DONE;
}

static int run_add(struct invocation *inv)
{
    struct session session;
    struct peer peer = {0};
    char fingerprint[ORIGIN_MAX + 1];
    const char *wanted = cli_option(inv, "origin", NULL);
    if (!cli_number(inv, "quota-logs", PEER_QUOTA_LOGS, LOG_NUMBER_MAX, &peer.quota_logs) ||
        !cli_number(inv, "quota-bytes", (uint64_t)PEER_QUOTA_BYTES, INT64_MAX, &peer.quota_bytes))
        return EXIT_USAGE;
    if (wanted && !origin_valid(span_str(wanted)) && !read_fingerprint(wanted, fingerprint))
        return cli_usage(inv, "--origin %s: a whole origin (NAME/...) or all 52 characters of a fingerprint are needed",
                         wanted);
    int status = session_open(inv, &session, SESSION_WRITE, OUTLET_CLI_LOG);
    if (!status)
        status = add(inv, &session, &peer);
    session_close(&session);
    return status;
}

const struct command cmd_peer_add = {
    .name = "peer add",
    .arguments = "URL",
    .summary = "Talk to another node from now on",
    .details = "Shows who answers there and its fingerprint before anything is fetched.\n\n"
               "  tongzhou peer add https://node.isac.example.net --origin isac.example.net/k5xq...\n",
    .options = add_options,
    .min_args = 1,
    .max_args = 1,
    .run = run_add,
};

/* ---- peer list ---- */

static int print_peer(void *ctx, const struct peer *peer, struct err *err)
{
    char name[ORIGIN_MAX + 1] = "?", reached[WHEN_TEXT_LEN + 1] = "never";
    (void)err;
    ++*(uint64_t *)ctx;
    if (peer->origin[0])
        origin_short(span_str(peer->origin), name);
    if (peer->reached_ms)
        when_format(peer->reached_ms, reached);
    cli_put_column(stdout, span_str(peer->url), 32);
    fputc(' ', stdout);
    cli_put_column(stdout, span_str(name), 34);
    printf(" reached %.19s, ", reached);
    cli_put_bytes(stdout, peer->bytes_in);
    printf(" in %llu requests", (unsigned long long)peer->requests);
    if (peer->set_aside)
        printf("; SET ASIDE: %s", peer->reason);
    else if (peer->failures)
        printf("; failed %u time%s: %s", peer->failures, peer->failures == 1 ? "" : "s", peer->reason);
    else if (peer->reason[0])
        printf("; remark: %s", peer->reason);
    putchar('\n');
    return 0;
}

static int run_list(struct invocation *inv)
{
    struct session session;
    uint64_t count = 0;
    int status = session_open(inv, &session, 0, OUTLET_CLI_LOG);
    if (!status && peer_each(session.store, print_peer, &count, &inv->err))
        status = cli_fail(inv);
    if (!status && count == 0)
        puts("no peers yet: tongzhou peer add URL");
    session_close(&session);
    return status;
}

const struct command cmd_peer_list = {
    .name = "peer list",
    .arguments = "",
    .summary = "List the nodes that we talk to, and how it goes",
    .details =
        "A peer that was SET ASIDE said something that cannot be true; the reason stands beside it. `tongzhou sync\n"
        "URL` takes it back.\n",
    .max_args = 0,
    .run = run_list,
};

/* ---- peer remove ---- */

static int run_remove(struct invocation *inv)
{
    struct session session;
    struct peer peer;
    int status = session_open(inv, &session, SESSION_WRITE, OUTLET_CLI_LOG);
    if (!status && (peer_find(session.store, span_str(inv->args[0]), &peer, &inv->err) ||
                    peer_remove(session.store, peer.number, &inv->err)))
        status = cli_fail(inv);
    if (!status)
        printf("%s is no peer any more; what it brought stays.\n", peer.url);
    session_close(&session);
    return status;
}

const struct command cmd_peer_remove = {
    .name = "peer remove",
    .arguments = "URL|MEMBER",
    .summary = "Stop talking to a node",
    .min_args = 1,
    .max_args = 1,
    .run = run_remove,
};

/* ---- follow ---- */

static const struct option follow_options[] = {
    {"mode", "M", "full (default), recent or heads: which contents to keep", AT_MOST_ONCE},
    {"recent", "N", "with --mode recent: of the newest N entries (default 10000)", AT_MOST_ONCE},
    {0},
};

static int follow(struct invocation *inv, struct session *session, enum log_mode mode, uint64_t recent)
{
    struct log_info log;
    const char *word = cli_option(inv, "mode", "full"), *origin = inv->args[0];
    if (!origin_valid(span_str(origin))) {
        if (store_log_find(session->store, span_str(origin), &log, &inv->err))
            return cli_fail(inv);
        origin = log.origin;
    }
    if (sync_follow(session->store, span_str(origin), mode, recent, &inv->err))
        return cli_fail(inv);
    printf("Following %s (%s); it comes with the next `tongzhou sync`, or by itself while `serve` runs.\n", origin,
           word);
    return EXIT_DONE;
}

static int run_follow(struct invocation *inv)
{
    struct session session;
    uint64_t recent;
    const char *word = cli_option(inv, "mode", "full");
    enum log_mode mode = strcmp(word, "full") == 0 ? MODE_FULL : strcmp(word, "recent") == 0 ? MODE_RECENT : MODE_HEADS;
    if (mode == MODE_HEADS && strcmp(word, "heads") != 0)
        return cli_usage(inv, "--mode %s: must be full, recent or heads", word);
    if (mode != MODE_RECENT && cli_option(inv, "recent", NULL))
        return cli_usage(inv, "--recent belongs to --mode recent");
    if (!cli_number(inv, "recent", 10000, LOG_SIZE_MAX, &recent))
        return EXIT_USAGE;
    int status = session_open(inv, &session, SESSION_WRITE, OUTLET_CLI_LOG);
    if (!status)
        status = follow(inv, &session, mode, recent);
    session_close(&session);
    return status;
}

const struct command cmd_follow = {
    .name = "follow",
    .arguments = "MEMBER",
    .summary = "Mirror a member whoever announces it, beyond any quota",
    .details = "One whose log is not here yet is named by its whole origin.\n",
    .options = follow_options,
    .min_args = 1,
    .max_args = 1,
    .run = run_follow,
};
