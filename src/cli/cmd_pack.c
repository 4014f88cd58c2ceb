/* tongzhou pack, unpack: logs on a stick. */
#include <stdlib.h>

#include "cli/commands.h"
#include "cli/session.h"
#include "connect/pack.h"

static void print_result(const char *verb, const char *path, const struct pack_result *result)
{
    printf("%s: %s ", path, verb);
    cli_put_counted(stdout, result->logs, "log, ", "logs, ");
    cli_put_counted(stdout, result->entries, "entry, ", "entries, ");
    cli_put_counted(stdout, result->payloads, "content, ", "contents, ");
    cli_put_bytes(stdout, result->bytes);
    if (result->collected) {
        fputs("; ", stdout);
        cli_put_counted(stdout, result->collected, "cosignature collected", "cosignatures collected");
    }
    if (result->erased) {
        fputs("; ", stdout);
        cli_put_counted(stdout, result->erased, "content erased at its author's word",
                        "contents erased at their authors' word");
    }
    if (result->behind) {
        fputs("; ", stdout);
        cli_put_counted(stdout, result->behind, "log had nothing new", "logs had nothing new");
    }
    if (result->refused) {
        fputs("; ", stdout);
        cli_put_counted(stdout, result->refused, "turned away", "turned away");
    }
    putchar('\n');
    if (result->forks)
        cli_put_counted(stdout, result->forks, "fork proven: see tongzhou members\n",
                        "forks proven: see tongzhou members\n");
}

static const struct option pack_options_list[] = {
    {"member", "MEMBER", "only this one's log", ANY_NUMBER},
    {"newest", "N", "contents of the newest N entries a log only (all proofs travel anyway)", AT_MOST_ONCE},
    {0},
};

static int pack(struct invocation *inv, struct session *session, uint64_t newest)
{
    struct progress progress;
    struct pack_options pack_options = {
        .payloads_newest = newest, .now_ms = cli_now_ms(), .progress = progress_part, .ctx = &progress};
    struct pack_result result;
    int64_t *numbers = calloc((size_t)inv->given_count + 1, sizeof(*numbers));
    if (!numbers) {
        err_memory(&inv->err);
        return cli_fail(inv);
    }
    int status = EXIT_DONE;
    for (int i = 0; i < inv->given_count; i++) {
        struct log_info log;
        if (strcmp(inv->given[i].option->name, "member") != 0)
            continue;
        if (store_log_find(session->store, span_str(inv->given[i].value), &log, &inv->err) == 0 &&
            log.role == LOG_LOCAL)
            err_set(&inv->err, ERR_REFUSED, "%s is a local log: it stays on this node", log.origin);
        if (inv->err.code || view_log_find(&session->view, span_str(log.origin), &log, &inv->err)) {
            status = cli_fail(inv);
            break;
        }
        numbers[pack_options.number_count++] = log.number;
        pack_options.numbers = numbers;
    }
    progress_begin(&progress, "Packing", 0);
    int rc = status ? 0 : pack_write(&session->view, inv->args[0], &pack_options, &result, &inv->err);
    progress_end(&progress);
    if (rc)
        status = cli_fail(inv);
    if (!status)
        print_result("packed", inv->args[0], &result);
    free(numbers);
    return status;
}

static int run_pack(struct invocation *inv)
{
    struct session session;
    uint64_t newest;
    if (!cli_number(inv, "newest", UINT64_MAX, LOG_SIZE_MAX, &newest))
        return EXIT_USAGE;
    int status = session_open(inv, &session, SESSION_INDEX | SESSION_PUBLIC, OUTLET_PACK);
    if (!status)
        status = pack(inv, &session, newest);
    session_close(&session);
    return status;
}

const struct command cmd_pack = {
    .name = "pack",
    .arguments = "FILE.tar.zst",
    .summary = "Write logs and their public contents into one file, to travel on a stick",
    .details = "Whoever unpacks it verifies everything as if it came over the network.\n",
    .options = pack_options_list,
    .min_args = 1,
    .max_args = 1,
    .run = run_pack,
};

static void report(void *ctx, const char *origin, const char *reason)
{
    progress_end(ctx);
    fprintf(stderr, "turned away: %s: %s\n", origin, reason);
}

static int run_unpack(struct invocation *inv)
{
    struct session session;
    struct pack_result result;
    struct progress progress;
    struct unpack_options unpack_options = {
        .now_s = cli_now_ms() / 1000, .report = report, .progress = progress_part, .ctx = &progress};
    int status = session_open(inv, &session, SESSION_WRITE | SESSION_INDEX, OUTLET_CLI_LOG);
    if (!status)
        status = session_confine(inv, inv->args, 1);
    progress_begin(&progress, "Unpacking", 0);
    int rc = status ? 0 : pack_read(session.store, inv->args[0], &unpack_options, &result, &inv->err);
    progress_end(&progress);
    if (rc)
        status = cli_fail(inv);
    if (!status)
        status = session_fold(inv, &session);
    if (!status && result.erased)
        status = session_forget(inv, &session);
    if (!status) {
        print_result("took in", inv->args[0], &result);
        status = result.refused ? EXIT_FAILED : EXIT_DONE;
    }
    session_close(&session);
    return status;
}

const struct command cmd_unpack = {
    .name = "unpack",
    .arguments = "FILE.tar.zst",
    .summary = "Take in a pack, verifying all of it",
    .details =
        "A log that does not verify is turned away and named; the others go in. A pack that holds more of our own\n"
        "log than this node does brings it back; one that contradicts a log here proves its fork, and the log is\n"
        "frozen.\n",
    .min_args = 1,
    .max_args = 1,
    .run = run_unpack,
};
