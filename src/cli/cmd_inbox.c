/* tongzhou inbox: what the people of this node are told. */
#include <stdlib.h>

#include "base/when.h"
#include "cli/commands.h"
#include "cli/session.h"
#include "state/notices.h"

#define TEXT_MAX 4096 /* bytes of a line */

static const struct option options[] = {
    {"all", NULL, "also what was marked as read", AT_MOST_ONCE},
    {"since", "T", "only since then: a date, a time, or 2d for the last two days", AT_MOST_ONCE},
    {"topic", "T,...", "only these topics", AT_MOST_ONCE},
    {"read", NULL, "mark what is shown as read, for the command line alone", AT_MOST_ONCE},
    {"json", NULL, "one JSON object a line", AT_MOST_ONCE},
    {0},
};

struct inbox {
    struct session *session;
    bool json;
    int64_t *shown;
    size_t count, cap;
};

static int remember(struct inbox *inbox, int64_t number, struct err *err)
{
    if (inbox->count == inbox->cap) {
        size_t cap = inbox->cap ? 2 * inbox->cap : 64;
        int64_t *shown = realloc(inbox->shown, cap * sizeof(*shown));
        if (!shown)
            return err_memory(err);
        inbox->shown = shown;
        inbox->cap = cap;
    }
    inbox->shown[inbox->count++] = number;
    return 0;
}

static int print_line(struct inbox *inbox, const struct notice *notice, struct buf *out, struct err *err)
{
    char time[WHEN_TEXT_LEN + 1];
    when_format(notice->time_ms, time);
    notice_english(notice, out);
    printf("%.19sZ %-9s ", time, notice_topic_word(notice_words(notice->what)->topic));
    cli_put_text(stdout, buf_view(out), TEXT_MAX);
    buf_clear(out);
    int rc = notice_record(inbox->session->store, notice, out, err);
    if (rc == 0 && out->len > 0) {
        fputs("\n                               ", stdout);
        cli_put_text(stdout, buf_view(out), TEXT_MAX);
    }
    putchar('\n');
    return rc;
}

static int print(void *ctx, const struct notice *notice, struct err *err)
{
    struct inbox *inbox = ctx;
    struct buf out;
    buf_init(&out, 16384);
    int rc = remember(inbox, notice->number, err);
    if (rc == 0 && inbox->json) {
        rc = notice_json(inbox->session->store, notice, true, NULL, &out, err);
        if (rc == 0)
            puts(buf_cstr(&out));
    } else if (rc == 0) {
        rc = print_line(inbox, notice, &out, err);
    }
    buf_done(&out);
    return rc;
}

static int mark(struct inbox *inbox, struct err *err)
{
    struct store *store = inbox->session->store;
    int rc = store_begin(store, err);
    if (rc < 0)
        return rc;
    for (size_t i = 0; rc == 0 && i < inbox->count; i++)
        rc = notice_read(store, NOTICE_OPERATOR, ROLE_ADMINISTRATOR, inbox->shown[i], err);
    if (rc == 0)
        return store_commit(store, err);
    store_rollback(store);
    return rc;
}

static int look(struct invocation *inv, struct inbox *inbox, const struct notice_query *query)
{
    uint64_t dropped = 0;
    int rc = notice_each(inbox->session->store, query, print, inbox, &inv->err);
    if (rc == 0 && cli_flag(inv, "read") && inbox->count > 0)
        rc = mark(inbox, &inv->err);
    if (rc == 0)
        rc = notice_dropped(inbox->session->store, &dropped, &inv->err);
    if (rc == 0 && dropped > 0)
        cli_note("%llu older notices had to go before anybody had read them", (unsigned long long)dropped);
    return rc < 0 ? cli_fail(inv) : EXIT_DONE;
}

static int run(struct invocation *inv)
{
    struct session session;
    struct inbox inbox = {.session = &session, .json = cli_flag(inv, "json")};
    const char *since = cli_option(inv, "since", NULL), *topics = cli_option(inv, "topic", NULL);
    struct notice_query query = {
        .reader = NOTICE_OPERATOR, .role = ROLE_ADMINISTRATOR, .unread = !cli_flag(inv, "all")};
    if (since && !cli_time_ms(inv, since, &query.since_ms))
        return EXIT_USAGE;
    char known[NOTICE_TOPICS_TEXT_MAX];
    notice_topics_format(NOTICE_TOPICS_ALL, known);
    if (topics && (query.topics = notice_topics_parse(span_str(topics))) == 0)
        return cli_usage(inv, "--topic %s: must be some of %s", topics, known);
    int status = session_open(inv, &session, cli_flag(inv, "read") ? SESSION_WRITE : 0, OUTLET_CLI_LOG);
    if (!status)
        status = look(inv, &inbox, &query);
    free(inbox.shown);
    session_close(&session);
    return status;
}

const struct command cmd_inbox = {
    .name = "inbox",
    .arguments = "",
    .summary = "Show what the people of this node are told: what waits, what went wrong",
    .details =
        "What policy holds or refused, a roster version that waits for our endorsement, peers that fail, forks, "
        "contents\n"
        "that their authors withdrew, attempts to sign in, a certificate or disk that comes to its end. A flood of "
        "the\n"
        "same from one member is one line with a count. People who sign in find it under Inbox, each by its role.\n",
    .options = options,
    .max_args = 0,
    .run = run,
};
