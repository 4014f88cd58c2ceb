/* tongzhou import: threat intelligence of others into our log, or into a local one. */
#include "base/json.h"
#include "base/utf8.h"
#include "cli/audience.h"
#include "cli/commands.h"
#include "cli/input.h"
#include "cli/parcel.h"
#include "cli/session.h"
#include "security/import.h"

static const struct option options[] = {
    {"tlp", "T", "for whom: clear, green, amber, amber+strict or red (required unless --local)", AT_MOST_ONCE},
    {"to", "MEMBER", "whom it is for: a member, a group MEMBER#NAME, or 'MEMBER PERSON'", ANY_NUMBER},
    {"keep", NULL, "for nobody else: the contents stay on this node", AT_MOST_ONCE},
    {"parcel", NULL, "encrypted to --to as well, so that nodes carry it that may not read it", AT_MOST_ONCE},
    {"expires", "D", "when nodes forget the parcels: a duration (default 30d)", AT_MOST_ONCE},
    {"local", NULL, "into the node's local log: swept with, never served, keeps each object's marking", AT_MOST_ONCE},
    {"format", "F", "auto (default), stix, misp, list or maltrail", AT_MOST_ONCE},
    {"dry-run", NULL, "say what would happen, change nothing", AT_MOST_ONCE},
    {"as", "MEMBER", "a member that lives on this node (default: the operator)", AT_MOST_ONCE},
    {"json", NULL, "the result as JSON", AT_MOST_ONCE},
    {"alone", NULL, "do not ask peers first whether they know more of our logs", AT_MOST_ONCE},
    {0},
};

struct import {
    struct progress progress;
    struct input *input;
    const char *file;
    uint64_t reported;
    struct parcel_wish *wish;
};

#define REPORTS_MAX 1000 /* lines of complaints printed; the rest is counted */

static int report(void *ctx, const char *what, struct span source, uint64_t line, uint64_t offset, const char *reason)
{
    struct import *import = ctx;
    if (import->reported++ >= REPORTS_MAX)
        return 0;
    progress_end(&import->progress);
    fprintf(stderr, "%s", import->file);
    if (source.len) {
        fputs(": ", stderr);
        cli_put_text(stderr, source, 256);
    }
    if (line)
        fprintf(stderr, ":%llu", (unsigned long long)line);
    /* A file of JSON is often a single line. */
    if (offset && line <= 1 && strncmp(reason, "JSON: byte", 10) != 0)
        fprintf(stderr, ": byte %llu", (unsigned long long)offset);
    fprintf(stderr, ": %s: %s\n", what, reason);
    return 0;
}

static void progress(void *ctx, uint64_t bytes, uint64_t records)
{
    struct import *import = ctx;
    (void)bytes;
    progress_at(&import->progress, input_position(import->input), records);
}

static int written(void *ctx, uint64_t first, size_t count, struct err *err)
{
    struct import *import = ctx;
    return parcel_note(import->wish, first, count, err);
}

/* What did not happen is not mentioned. */
static void print_count(uint64_t count, const char *what)
{
    if (count == 0)
        return;
    fputs(", ", stdout);
    cli_put_count(stdout, count);
    printf(" %s", what);
}

static void print_json(const struct invocation *inv, const char *file, const struct import_result *result,
                       const struct log_info *log, double seconds)
{
    struct buf line;
    buf_init(&line, 64u << 10);
    buf_str(&line, "{\"file\":");
    buf_json_string(&line, span_str(file));
    buf_str(&line, ",\"member\":");
    buf_json_string(&line, span_str(log->origin));
    buf_fmt(&line,
            ",\"dry_run\":%s,\"items\":%llu,\"added\":%llu,\"updated\":%llu,\"duplicates\":%llu,\"refused\":%llu,"
            "\"bad\":%llu,\"seconds\":%.3f}\n",
            cli_flag(inv, "dry-run") ? "true" : "false", (unsigned long long)result->items,
            (unsigned long long)result->added, (unsigned long long)result->updated,
            (unsigned long long)result->duplicates, (unsigned long long)result->refused,
            (unsigned long long)result->bad, seconds);
    fputs(buf_cstr(&line), stdout);
    buf_done(&line);
}

static void print_result(const struct invocation *inv, const char *file, const struct import_result *result,
                         const struct log_info *log, double seconds)
{
    char name[ORIGIN_MAX + 1];
    origin_short(span_str(log->origin), name);
    printf("%s: ", file);
    cli_put_count(stdout, result->items);
    printf(" read, ");
    cli_put_count(stdout, result->added);
    printf(" %s %s", cli_flag(inv, "dry-run") ? "would be added to" : "added to", name);
    print_count(result->updated, "of them new versions");
    print_count(result->duplicates, "known already");
    print_count(result->refused, "refused");
    print_count(result->bad, "wrong");
    printf(" (%.1f s)\n", seconds);
}

/* Of all files. */
struct total {
    uint64_t added, refused, bad;
    bool empty;      /* of a file with something wrong in it nothing went in */
    bool unreadable; /* a file could not be opened, or broke off */
};

/* A file's own fault is named, and the other files are imported all the same; ours ends it. */
static int broke_off(struct invocation *inv, struct total *total, int rc)
{
    total->unreadable = true;
    cli_fail(inv);
    return rc == ERR_NOTFOUND || rc == ERR_SYNTAX || rc == ERR_LIMIT ? EXIT_DONE : EXIT_FAILED;
}

static int import_file(struct invocation *inv, struct session *session, const char *file, enum import_format format,
                       const struct import_options *base, const struct log_info *log, struct total *total,
                       struct parcel_wish *wish)
{
    struct import import = {.wish = wish};
    struct import_options import_options = *base;
    struct import_result result = {0};
    /* Archives are import_run's own business: a .tar.xz holds many files. */
    if (input_open(file, true, &import.input, &inv->err))
        return broke_off(inv, total, ERR_NOTFOUND);
    import.file = input_name(import.input);
    import_options.report = report;
    import_options.progress = progress;
    import_options.written = wish->wanted ? written : NULL;
    import_options.ctx = &import;
    progress_begin(&import.progress, "Importing", input_size(import.input));
    int64_t begun = cli_now_ms();
    int rc = import_run(session->store, session->index, format, span_str(input_name(import.input)), input_read,
                        import.input, &import_options, &result, &inv->err);
    progress_end(&import.progress);
    if (import.reported > REPORTS_MAX)
        cli_note("and %llu more like these", (unsigned long long)(import.reported - REPORTS_MAX));
    /* After an error only what is in the log is worth a line. */
    double seconds = (double)(cli_now_ms() - begun) / 1000.0;
    if (cli_flag(inv, "json") && (!rc || result.added))
        print_json(inv, import.file, &result, log, seconds);
    else if (!rc || result.added)
        print_result(inv, import.file, &result, log, seconds);
    input_close(import.input);
    total->added += result.added;
    total->refused += result.refused;
    total->bad += result.bad;
    total->empty |= result.bad && !result.added && !result.duplicates;
    return rc ? broke_off(inv, total, rc) : EXIT_DONE;
}

static void print_total(const struct invocation *inv, const struct total *total)
{
    char counts[64];
    if (total->refused && total->bad)
        snprintf(counts, sizeof(counts), "%llu refused and %llu wrong", (unsigned long long)total->refused,
                 (unsigned long long)total->bad);
    else
        snprintf(counts, sizeof(counts), "%llu %s", (unsigned long long)(total->refused + total->bad),
                 total->refused ? "refused" : "wrong");
    cli_note("%s: each is named above with its place and reason%s", counts,
             cli_flag(inv, "dry-run") ? "; nothing was changed"
             : total->added           ? "; the rest went in"
                                      : "");
}

static int import_all(struct invocation *inv, struct session *session, enum import_format format, enum tlp tlp,
                      struct parcel_wish *wish)
{
    struct log_info log;
    struct total total = {0};
    int rc = cli_flag(inv, "local") ? session_local(inv, session, cli_flag(inv, "dry-run"), &log)
                                    : session_author(inv, session, &log);
    if (rc)
        return rc;
    struct named_audience *audience = arena_alloc(&session->arena, sizeof(*audience));
    if (!audience) {
        err_memory(&inv->err);
        return cli_fail(inv);
    }
    rc = audience_resolve(inv, session, tlp, &log, audience);
    if (!rc)
        rc = parcel_prepare(inv, session, wish, audience, &log);
    if (rc)
        return rc;
    struct import_options base = {.number = log.number,
                                  .tlp = tlp,
                                  .to = audience->to,
                                  .to_count = audience->count,
                                  .dry_run = cli_flag(inv, "dry-run"),
                                  .fold_beside = true,
                                  .now_ms = cli_now_ms()};
    rc = session_confine(inv, inv->args, (size_t)inv->arg_count);
    for (int i = 0; i < inv->arg_count && !rc; i++)
        rc = import_file(inv, session, inv->args[i], format, &base, &log, &total, wish);
    /* What went in before something broke off is sent all the same; its reason was told. */
    int unsent = parcel_finish(inv, session, wish, audience, &log);
    if (rc || unsent)
        return rc ? rc : unsent;
    audience_tell(session, audience, &log);
    if (total.refused || total.bad)
        print_total(inv, &total);
    return total.refused || total.empty || total.unreadable ? EXIT_FAILED : EXIT_DONE;
}

static int run(struct invocation *inv)
{
    struct session session;
    bool known;
    const char *word = cli_option(inv, "tlp", NULL), *format_word = cli_option(inv, "format", "auto");
    bool local = cli_flag(inv, "local");
    enum import_format format = import_format_parse(span_str(format_word), &known);
    enum tlp tlp = word ? tlp_parse(span_str(word)) : TLP_NONE;
    if (!known)
        return cli_usage(inv, "--format %s: must be auto, stix, misp, list or maltrail", format_word);
    if (!word && !local)
        return cli_usage(inv,
                         "--tlp is needed: nothing has a default audience (clear, green, amber, amber+strict, red)");
    if (word && tlp == TLP_NONE)
        return cli_usage(inv, "--tlp %s: must be clear, green, amber, amber+strict or red", word);
    if (local && cli_option(inv, "as", NULL))
        return cli_usage(inv, "--local and --as exclude each other: the local log is nobody's voice");
    if (local && (cli_option(inv, "to", NULL) || cli_flag(inv, "keep")))
        return cli_usage(inv, "--local goes nowhere: --to and --keep say nothing with it");
    struct parcel_wish wish;
    int contradiction = local ? 0 : audience_check(inv, tlp);
    if (!contradiction)
        contradiction = parcel_options_check(inv, &wish);
    if (contradiction)
        return contradiction;
    unsigned sign = local || cli_flag(inv, "dry-run") ? 0 : SESSION_SIGN;
    int status = session_open(inv, &session, SESSION_WRITE | SESSION_INDEX | sign, OUTLET_CLI_LOG);
    if (!status)
        status = import_all(inv, &session, format, tlp, &wish);
    session_close(&session);
    parcel_wish_done(&wish);
    return status;
}

const struct command cmd_import = {
    .name = "import",
    .arguments = "FILE|-...",
    .summary = "Import threat intelligence: STIX, MISP events, lists, Maltrail",
    .details =
        "STIX objects keep their bytes; a line of a list becomes an indicator whose id is the same wherever the same\n"
        "member says the same. An object that is marked narrower than --tlp is refused and named, never widened.\n"
        "What is wrong is named with file and place while the rest goes in. Compressed files and archives are "
        "unpacked.\n\n"
        "  tongzhou import --tlp clear ics-attack.json\n"
        "  tongzhou import --local --format list commercial-feed.txt.gz\n"
        "  curl -s https://example.org/list.txt | tongzhou import --tlp clear --dry-run -\n"
        "  tongzhou import --tlp amber+strict --to cert.example.org incident.json\n\n"
        "Exit status 1 if something was refused because of its marking, if a file could not be read, or if it had\n"
        "something wrong in it and nothing that could be taken in; the other files go in all the same.\n",
    .options = options,
    .min_args = 1,
    .max_args = -1,
    .run = run,
};
