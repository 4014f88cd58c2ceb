/* tongzhou log: what was said, newest first. */
#include "base/buf.h"
#include "base/codec.h"
#include "base/json.h"
#include "base/when.h"
#include "cli/commands.h"
#include "cli/session.h"

static const struct option options[] = {
    {"kind", "K", "only records of this kind", AT_MOST_ONCE},
    {"since", "T", "only from this time on: 2026-11-22, or 2d for two days", AT_MOST_ONCE},
    {"limit", "N", "at most this many (default 50, 0 for all)", AT_MOST_ONCE},
    {"json", NULL, "a JSON object a line", AT_MOST_ONCE},
    {0},
};

/* "for b.example/k5xq… and 2 more: " */
static void print_audience(const struct view_row *row)
{
    char name[RECORD_LINE_MAX + 1];
    if (row->to_count == 0)
        return;
    audience_short(row->to[0], name);
    fputs("for ", stdout);
    cli_put_text(stdout, span_str(name), 96);
    if (row->to_count > 1)
        printf(" and %zu more", row->to_count - 1);
    fputs(": ", stdout);
}

static int print_row(void *ctx, const struct view_row *row, struct err *err)
{
    (void)ctx;
    (void)err;
    char name[ORIGIN_MAX + 1], time[WHEN_TEXT_LEN + 1] = "-";
    origin_short(span_str(row->origin), name);
    if (row->time_ms > 0)
        when_format(row->time_ms, time);
    printf("%s/%llu  %s  %-16s  %-5s  ", name, (unsigned long long)RECORD_REF_INDEX(row->ref), time,
           row->kind ? row->kind : "seal", row->tlp != TLP_NONE ? tlp_word(row->tlp) : "-");
    print_audience(row);
    if (row->has_text)
        cli_put_text(stdout, span_str(row->title ? row->title : ""), 120);
    else
        fputs("(content not here)", stdout);
    putchar('\n');
    return 0;
}

static int print_json(void *ctx, const struct view_row *row, struct err *err)
{
    struct buf *line = ctx;
    char time[WHEN_TEXT_LEN + 1];
    buf_clear(line);
    buf_str(line, "{\"member\":");
    buf_json_string(line, span_str(row->origin));
    buf_fmt(line, ",\"index\":%llu,\"kind\":", (unsigned long long)RECORD_REF_INDEX(row->ref));
    buf_json_string(line, span_str(row->kind ? row->kind : "seal"));
    if (row->time_ms > 0) {
        when_format(row->time_ms, time);
        buf_fmt(line, ",\"time\":\"%s\"", time);
    }
    if (row->tlp != TLP_NONE)
        buf_fmt(line, ",\"tlp\":\"%s\"", tlp_word(row->tlp));
    for (size_t i = 0; i < row->to_count; i++) {
        buf_str(line, i ? "," : ",\"to\":[");
        buf_json_string(line, row->to[i]);
    }
    if (row->to_count > 0)
        buf_byte(line, ']');
    buf_fmt(line, ",\"content\":%s", row->has_text ? "true" : "false");
    if (row->has_text && row->title) {
        buf_str(line, ",\"title\":");
        buf_json_string(line, span_str(row->title));
    }
    buf_str(line, "}\n");
    fwrite(line->data, 1, line->len, stdout);
    return buf_check(line, "line", err);
}

static int list(struct invocation *inv, struct session *session, struct view_query *query)
{
    struct log_info log;
    struct buf line;
    if (inv->arg_count > 0) {
        if (view_log_find(&session->view, span_str(inv->args[0]), &log, &inv->err))
            return cli_fail(inv);
        query->number = log.number;
    }
    buf_init(&line, 1 << 20);
    int rc = cli_flag(inv, "json") ? view_list(&session->view, query, print_json, &line, &inv->err)
                                   : view_list(&session->view, query, print_row, NULL, &inv->err);
    buf_done(&line);
    return rc ? cli_fail(inv) : EXIT_DONE;
}

static int run(struct invocation *inv)
{
    struct session session;
    uint64_t limit;
    struct view_query query = {.kind = span_str(cli_option(inv, "kind", ""))};
    const char *since = cli_option(inv, "since", NULL), *kind = cli_option(inv, "kind", NULL);
    if (kind && !record_kind_valid(span_str(kind)))
        return cli_usage(inv, "--kind %s: capability/name is needed, as security/stix", kind);
    if (!cli_number(inv, "limit", 50, LOG_SIZE_MAX, &limit) || (since && !cli_time_ms(inv, since, &query.since_ms)))
        return EXIT_USAGE;
    query.limit = limit ? (size_t)limit : SIZE_MAX;
    int status = session_open(inv, &session, SESSION_INDEX, OUTLET_CLI_LOG);
    if (!status)
        status = list(inv, &session, &query);
    session_close(&session);
    return status;
}

const struct command cmd_log = {
    .name = "log",
    .arguments = "[MEMBER]",
    .summary = "List what was said, newest first",
    .details = "MEMBER is a name (cert.example.org), a name and the beginning of its fingerprint "
               "(cert.example.org/k5xq), or a\n"
               "whole origin; without it, everybody's.\n\n"
               "  tongzhou log cert.example.org --kind security/stix --since 2d\n",
    .options = options,
    .max_args = 1,
    .run = run,
};
