/* tongzhou parcel: contents that were said to few, once more encrypted to some of them, for any path. */
#include <stdlib.h>

#include "base/json.h"
#include "base/when.h"
#include "cli/commands.h"
#include "cli/parcel.h"
#include "cli/session.h"

static const struct option options[] = {
    {"to", "MEMBER", "whom to encrypt to: a member, or a group MEMBER#NAME, that the contents are for", ANY_NUMBER},
    {"expires", "D", "when nodes forget it: a duration (default 30d)", AT_MOST_ONCE},
    {"json", NULL, "what is here, a JSON object a line", AT_MOST_ONCE},
    {"alone", NULL, "do not ask peers first whether they know more of our logs", AT_MOST_ONCE},
    {0},
};

/* ---- making one ---- */

static int by_index(const void *a, const void *b)
{
    const uint64_t *x = a, *y = b;
    return *x < *y ? -1 : *x > *y;
}

/* The entries, all of one log, each once. */
static int note_entries(struct invocation *inv, struct session *session, struct log_info *author,
                        struct parcel_wish *wish)
{
    size_t count = (size_t)inv->arg_count;
    uint64_t *indices = arena_array(&session->arena, count, sizeof *indices);
    if (!indices) {
        err_memory(&inv->err);
        return cli_fail(inv);
    }
    for (size_t i = 0; i < count; i++) {
        struct log_info log;
        int rc = session_record(inv, session, inv->args[i], &log, &indices[i]);
        if (rc)
            return rc;
        if (i > 0 && log.number != author->number)
            return cli_usage(inv, "%s: a parcel is of one log", inv->args[i]);
        *author = log;
    }
    qsort(indices, count, sizeof *indices, by_index);
    for (size_t i = 0; i < count; i++)
        if ((i == 0 || indices[i] != indices[i - 1]) && parcel_note(wish, indices[i], 1, &inv->err))
            return cli_fail(inv);
    return 0;
}

static int make(struct invocation *inv, struct session *session, struct parcel_wish *wish)
{
    struct log_info author = {0};
    struct parcel_sent sent;
    struct named_audience *audience = arena_alloc(&session->arena, sizeof *audience);
    if (!audience) {
        err_memory(&inv->err);
        return cli_fail(inv);
    }
    int rc = note_entries(inv, session, &author, wish);
    if (!rc)
        rc = audience_resolve(inv, session, TLP_AMBER, &author, audience);
    if (rc)
        return rc;
    int64_t now_ms = cli_now_ms();
    struct parcel_order order = {.number = author.number,
                                 .to = audience->to,
                                 .to_count = audience->count,
                                 .time_ms = now_ms,
                                 .expires_ms = now_ms + wish->life_ms,
                                 .ranges = wish->ranges,
                                 .range_count = wish->range_count};
    /* All are looked at before the first is appended. */
    if (parcels_check(&session->view, &order, &sent, &inv->err) ||
        parcels_send(&session->view, &order, &sent, &inv->err))
        return cli_fail(inv);
    parcel_print(stdout, &sent, &author, order.expires_ms);
    return session_fold(inv, session);
}

/* ---- what is here ---- */

static int print_text(void *ctx, const struct parcel_row *row, struct err *err)
{
    static const char *const words[] = {"not looked at yet", "opened", "for others", "refused"};
    char name[ORIGIN_MAX + 1], when[WHEN_TEXT_LEN + 1];
    (void)ctx, (void)err;
    origin_short(span_str(row->origin), name);
    when_format(row->expires_ms, when);
    printf("%s/%llu  until %.16sZ  %s\n", name, (unsigned long long)row->index, when, words[row->state]);
    return 0;
}

static int print_json(void *ctx, const struct parcel_row *row, struct err *err)
{
    static const char *const words[] = {"untried", "opened", "not-ours", "refused"};
    struct buf *line = ctx;
    char when[WHEN_TEXT_LEN + 1];
    when_format(row->expires_ms, when);
    buf_clear(line);
    buf_str(line, "{\"member\":");
    buf_json_string(line, span_str(row->origin));
    buf_fmt(line, ",\"index\":%llu,\"expires\":\"%s\",\"state\":\"%s\"}\n", (unsigned long long)row->index, when,
            words[row->state]);
    fwrite(line->data, 1, line->len, stdout);
    return buf_check(line, "line", err);
}

static int list(struct invocation *inv, struct session *session)
{
    struct buf line;
    buf_init(&line, 1u << 16);
    int rc = parcels_each(&session->view, cli_flag(inv, "json") ? print_json : print_text, &line, &inv->err);
    buf_done(&line);
    return rc ? cli_fail(inv) : EXIT_DONE;
}

static int run(struct invocation *inv)
{
    struct session session;
    struct parcel_wish wish = {.wanted = true};
    bool listing = inv->arg_count == 0;
    if (listing && (cli_option(inv, "to", NULL) || cli_option(inv, "expires", NULL)))
        return cli_usage(inv, "which contents? MEMBER/INDEX, as `tongzhou log` shows it");
    if (!listing && cli_flag(inv, "json"))
        return cli_usage(inv, "--json is for the list of those that are here: without MEMBER/INDEX");
    if (!listing && !cli_option(inv, "to", NULL))
        return cli_usage(inv, "--to is needed: a parcel is encrypted to those whom it names");
    if (!listing && !parcel_life(inv, &wish.life_ms))
        return EXIT_USAGE;
    unsigned flags = listing ? SESSION_INDEX : SESSION_WRITE | SESSION_INDEX | SESSION_SIGN;
    int status = session_open(inv, &session, flags, OUTLET_CLI_LOG);
    if (!status)
        status = listing ? list(inv, &session) : make(inv, &session, &wish);
    session_close(&session);
    parcel_wish_done(&wish);
    return status;
}

const struct command cmd_parcel = {
    .name = "parcel",
    .arguments = "[MEMBER/INDEX...]",
    .summary = "Send contents for few encrypted, over nodes that may not read them",
    .details =
        "The contents, of one of our logs, are for whom their own --to named; of those --to names here the ones that "
        "can\n"
        "open the parcel. It is a public record that every node carries and nobody else can read, until it expires: "
        "then\n"
        "nodes forget it. Without MEMBER/INDEX: which parcels are here, until when, and whether we could open them.\n\n"
        "  tongzhou parcel cert.example.org/17 --to isac.example.net --expires 7d\n",
    .options = options,
    .max_args = -1,
    .run = run,
};
