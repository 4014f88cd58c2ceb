/* tongzhou sweep: which indicators occur in a log. Exit status as grep: 0 hits, 1 none, 2 error. */
#include "base/json.h"
#include "base/utf8.h"
#include "base/when.h"
#include "cli/commands.h"
#include "cli/input.h"
#include "cli/session.h"
#include "security/intel.h"

static const struct option options[] = {
    {"json", NULL, "a JSON object a hit and line", AT_MOST_ONCE},
    {"stats", NULL, "what was read, and how fast, on standard error", AT_MOST_ONCE},
    {0},
};

#define SWEEP_HITS 0
#define SWEEP_NONE 1
#define SWEEP_ERROR 2
#define SWEEP_PIECE (1u << 20) /* bytes fed at once */
#define REPORTERS_MAX 8        /* named for one hit in text */

struct sweeping {
    struct session *session;
    const char *file;
    struct buf line;
    bool json;
    size_t reporters;
    uint64_t hits;
};

static int add_reporter_json(void *ctx, const struct intel_row *row, struct err *err)
{
    struct sweeping *sweeping = ctx;
    char time[WHEN_TEXT_LEN + 1];
    (void)err;
    buf_str(&sweeping->line, sweeping->reporters++ ? ",{\"member\":" : "{\"member\":");
    buf_json_string(&sweeping->line, span_str(row->origin));
    buf_fmt(&sweeping->line, ",\"index\":%llu", (unsigned long long)RECORD_REF_INDEX(row->ref));
    if (row->time_ms > 0) {
        when_format(row->time_ms, time);
        buf_fmt(&sweeping->line, ",\"time\":\"%s\"", time);
    }
    if (row->name) {
        buf_str(&sweeping->line, ",\"name\":");
        buf_json_string(&sweeping->line, span_str(row->name));
    }
    buf_byte(&sweeping->line, '}');
    return 0;
}

static int add_reporter_text(void *ctx, const struct intel_row *row, struct err *err)
{
    struct sweeping *sweeping = ctx;
    char name[ORIGIN_MAX + 1], time[WHEN_TEXT_LEN + 1] = "";
    (void)err;
    origin_short(span_str(row->origin), name);
    if (row->time_ms > 0)
        when_format(row->time_ms, time);
    buf_fmt(&sweeping->line, "%s%s/%llu %.10s", sweeping->reporters++ ? ", " : "", name,
            (unsigned long long)RECORD_REF_INDEX(row->ref), time);
    return 0;
}

static int hit_json(struct sweeping *sweeping, const struct sweep_hit *hit, struct err *err)
{
    struct buf *line = &sweeping->line;
    buf_str(line, "{\"file\":");
    buf_json_string(line, span_str(sweeping->file));
    buf_fmt(line, ",\"line\":%llu,\"column\":%llu,\"offset\":%llu,\"type\":\"%s\",\"indicator\":",
            (unsigned long long)hit->line, (unsigned long long)hit->before + hit->at + 1,
            (unsigned long long)(hit->offset - hit->before), ioc_type_word(hit->ioc->type));
    buf_json_string(line, hit->ioc->value);
    buf_str(line, ",\"match\":");
    buf_json_string(line, span_sub(hit->text, hit->at, hit->len));
    buf_str(line, ",\"reported_by\":[");
    size_t count = 0;
    int rc = intel_hit_rows(&sweeping->session->view, hit, 1000, add_reporter_json, sweeping, &count, err);
    buf_str(line, "],\"text\":");
    buf_json_string(line, span_sub(hit->text, 0, 4096));
    buf_str(line, "}\n");
    return rc ? rc : (int)(count > 0);
}

static int hit_text(struct sweeping *sweeping, const struct sweep_hit *hit, struct err *err)
{
    struct buf *line = &sweeping->line;
    buf_fmt(line, "%s:%llu:%llu: %s ", sweeping->file, (unsigned long long)hit->line,
            (unsigned long long)hit->before + hit->at + 1, ioc_type_word(hit->ioc->type));
    buf_span(line, hit->ioc->value);
    buf_str(line, " [");
    size_t count = 0;
    int rc = intel_hit_rows(&sweeping->session->view, hit, REPORTERS_MAX, add_reporter_text, sweeping, &count, err);
    buf_str(line, "] ");
    return rc ? rc : (int)(count > 0);
}

/* A log line for people: its tabs are blanks, everything else that moves a cursor is escaped. */
static void put_line(struct span line)
{
    for (size_t at = 0; at <= line.len;) {
        struct span cell = span_sub(line, at, span_find(span_sub(line, at, SIZE_MAX), '\t'));
        cli_put_text(stdout, cell, cell.len);
        at += cell.len + 1;
        putchar(at <= line.len ? ' ' : '\n');
    }
}

static int on_hit(void *ctx, const struct sweep_hit *hit, struct err *err)
{
    struct sweeping *sweeping = ctx;
    buf_clear(&sweeping->line);
    sweeping->reporters = 0;
    int rc = sweeping->json ? hit_json(sweeping, hit, err) : hit_text(sweeping, hit, err);
    if (rc < 0)
        return rc;
    if (rc == 0)
        return 0; /* nobody that this view may see reports it */
    rc = buf_check(&sweeping->line, "hit", err);
    if (rc)
        return rc;
    sweeping->hits++;
    fwrite(sweeping->line.data, 1, sweeping->line.len, stdout);
    if (!sweeping->json) {
        put_line(span_sub(hit->text, 0, 1024));
    }
    return ferror(stdout) ? err_set(err, ERR_IO, "standard output: write failed") : 0;
}

static void print_stats(const struct sweeping *sweeping, const struct sweep_stats *stats, int64_t spent_ms)
{
    double seconds = (double)(spent_ms > 0 ? spent_ms : 1) / 1000.0;
    fprintf(stderr, "%s: ", sweeping->file);
    cli_put_bytes(stderr, stats->bytes);
    fputs(", ", stderr);
    cli_put_counted(stderr, stats->lines, "line, ", "lines, ");
    cli_put_counted(stderr, stats->tokens, "token, ", "tokens, ");
    cli_put_counted(stderr, sweeping->hits, "hit; ", "hits; ");
    fprintf(stderr, "%.2f s, %.0f MB/s\n", seconds, (double)stats->bytes / 1e6 / seconds);
}

/* Indicators in UTF-16 would be passed in silence. */
static int check_text(const struct sweeping *sweeping, struct span text, struct err *err)
{
    return utf16_marked(text)
               ? err_set(err, ERR_SYNTAX, "%s: is UTF-16: make it UTF-8 first, as with iconv -f utf-16 -t utf-8",
                         sweeping->file)
               : 0;
}

static int sweep_file(struct invocation *inv, struct sweeping *sweeping, const struct sweep_set *set, const char *file)
{
    struct input *input;
    struct progress progress;
    int rc = input_open(file, false, &input, &inv->err);
    if (rc)
        return rc;
    sweeping->file = input_name(input);
    struct sweep *sweep = sweep_new(set, on_hit, sweeping);
    static uint8_t piece[SWEEP_PIECE];
    int64_t begun = cli_now_ms(), got = sweep ? 1 : err_memory(&inv->err);
    progress_begin(&progress, "Sweeping", input_size(input));
    while (got > 0 && (got = input_read(input, piece, sizeof(piece), &inv->err)) > 0) {
        struct span text = span_of(piece, (size_t)got);
        rc = sweep_stats(sweep)->bytes == 0 ? check_text(sweeping, text, &inv->err) : 0;
        if (!rc)
            rc = sweep_feed(sweep, text, &inv->err);
        if (rc)
            break;
        progress_at(&progress, input_position(input), 0);
    }
    if (!rc)
        rc = got < 0 ? (int)got : sweep_end(sweep, &inv->err);
    progress_end(&progress);
    if (!rc && cli_flag(inv, "stats"))
        print_stats(sweeping, sweep_stats(sweep), cli_now_ms() - begun);
    sweep_free(sweep);
    input_close(input);
    return rc;
}

/* 0 hits, 1 none, or negative after having said why. */
static int sweep_all(struct invocation *inv, struct session *session)
{
    struct intel_set *set;
    struct sweeping sweeping = {.session = session, .json = cli_flag(inv, "json")};
    uint64_t hits = 0;
    int64_t begun = cli_now_ms();
    int failed = 0, rc = session_set(session, &set, &inv->err);
    if (rc) {
        cli_fail(inv);
        return rc;
    }
    if (cli_flag(inv, "stats")) {
        fputs("indicators: ", stderr);
        cli_put_count(stderr, sweep_set_count(intel_set_sweep(set)));
        fprintf(stderr, ", opened in %lld ms\n", (long long)(cli_now_ms() - begun));
    }
    if (session_confine(inv, inv->args, (size_t)inv->arg_count)) {
        intel_set_close(set);
        return ERR_STATE;
    }
    buf_init(&sweeping.line, 16u << 20);
    for (int i = 0; i < inv->arg_count && !ferror(stdout); i++) {
        sweeping.hits = 0;
        rc = sweep_file(inv, &sweeping, intel_set_sweep(set), inv->args[i]);
        hits += sweeping.hits;
        failed = rc ? rc : failed;
        if (rc && !ferror(stdout)) { /* as grep: said at once, and the other files are swept all the same */
            fflush(stdout);
            cli_fail(inv);
        }
    }
    buf_done(&sweeping.line);
    intel_set_close(set);
    return failed ? failed : (int)(hits == 0);
}

static int run(struct invocation *inv)
{
    struct session session;
    int status = session_open(inv, &session, SESSION_INDEX, OUTLET_CLI_SWEEP);
    if (status)
        status = SWEEP_ERROR;
    else {
        int rc = sweep_all(inv, &session);
        bool lost = cli_output_lost(), enough = !lost && ferror(stdout); /* | head: there were hits */
        status = enough ? SWEEP_HITS : rc < 0 || lost ? SWEEP_ERROR : rc ? SWEEP_NONE : SWEEP_HITS;
    }
    session_close(&session);
    return status;
}

const struct command cmd_sweep = {
    .name = "sweep",
    .arguments = "FILE|-...",
    .summary = "Find the indicators that occur in log files",
    .details = "Whole tokens are compared, not substrings: evil.com matches www.evil.com, not notevil.com. Addresses,\n"
               "networks, domains, URLs, hashes and e-mail addresses; any text log, also compressed (gzip, zstd, xz,\n"
               "bzip2). Each hit names file, line, column, indicator, and who reported it when.\n\n"
               "  tongzhou sweep --stats /var/log/dnsmasq.log\n"
               "  zcat access.log.*.gz | tongzhou sweep --json -\n\n"
               "Exit status 0 with hits, 1 without, 2 after an error.\n",
    .options = options,
    .min_args = 1,
    .max_args = -1,
    .run = run,
};
