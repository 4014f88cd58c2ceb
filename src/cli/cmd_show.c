/* tongzhou show: one record, or the proof that it stands in its log. */
#include <unistd.h>

#include "base/codec.h"
#include "cli/commands.h"
#include "cli/session.h"

static const struct option options[] = {
    {"proof", NULL, "the proof that it stands in the log, as a c2sp.org/tlog-proof file", AT_MOST_ONCE},
    {"body", NULL, "only the body, byte for byte", AT_MOST_ONCE},
    {"entry", NULL, "the log's entry, byte for byte: a seal, or a record that stands in full", AT_MOST_ONCE},
    {0},
};

static int show_proof(struct invocation *inv, struct session *session, const struct log_info *log, uint64_t index)
{
    struct buf proof;
    buf_init(&proof, 1 << 20);
    int rc = view_proof(&session->view, log, index, &proof, &inv->err);
    if (!rc)
        fwrite(proof.data, 1, proof.len, stdout);
    buf_done(&proof);
    return rc ? cli_fail(inv) : EXIT_DONE;
}

static int no_text(struct invocation *inv, const struct view_record *record)
{
    err_set(&inv->err, ERR_NOTFOUND, "%s/%llu: %s", record->log.origin, (unsigned long long)record->index,
            record->erased ? "its content was erased; `--entry` shows the seal that remains"
                           : "its content is not on this node; `--entry` shows its seal");
    return cli_fail(inv);
}

/* Others' text: as it is into a pipe, escaped on a terminal. */
static void put(struct span text)
{
    struct span line;
    if (!isatty(STDOUT_FILENO)) {
        fwrite(text.data, 1, text.len, stdout);
        return;
    }
    for (size_t at = 0; at < text.len; at += line.len + 1) {
        line = span_sub(text, at, span_find(span_sub(text, at, SIZE_MAX), '\n'));
        cli_put_text(stdout, line, line.len);
        putchar('\n');
    }
}

static int run(struct invocation *inv)
{
    struct session session;
    struct log_info log;
    struct view_record record;
    uint64_t index;
    if (cli_flag(inv, "proof") + cli_flag(inv, "body") + cli_flag(inv, "entry") > 1)
        return cli_usage(inv, "--proof, --body and --entry exclude each other");
    int status = session_open(inv, &session, SESSION_INDEX, OUTLET_CLI_LOG);
    if (!status)
        status = session_record(inv, &session, inv->args[0], &log, &index);
    if (!status && cli_flag(inv, "proof"))
        status = show_proof(inv, &session, &log, index);
    else if (!status && view_record(&session.view, &log, index, &session.arena, &record, &inv->err))
        status = cli_fail(inv);
    else if (!status && cli_flag(inv, "entry"))
        put(record.entry);
    else if (!status && !record.has_text)
        status = no_text(inv, &record);
    else if (!status)
        put(cli_flag(inv, "body") && record.parsed ? record.record.body : record.text);
    session_close(&session);
    return status;
}

const struct command cmd_show = {
    .name = "show",
    .arguments = "MEMBER/INDEX",
    .summary = "Show a record as it was said, or its proof",
    .details = "Without options the whole record, header and body. In a pipe bytes come out as they went in.\n",
    .options = options,
    .min_args = 1,
    .max_args = 1,
    .run = run,
};
