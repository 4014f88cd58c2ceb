/* tongzhou export-static: the public logs as plain files. */
#include <unistd.h>

#include "base/limits.h"
#include "cli/commands.h"
#include "cli/session.h"
#include "connect/static.h"

static int run(struct invocation *inv)
{
    struct session session;
    struct static_result result;
    char state[4096];
    if (snprintf(state, sizeof(state), "%s/state.db", inv->args[0]) < (int)sizeof(state) && access(state, F_OK) == 0) {
        err_set(&inv->err, ERR_REFUSED,
                "%s: is a node's folder, with its keys in it; name one for the web server alone", inv->args[0]);
        return cli_fail(inv);
    }
    int status = session_open(inv, &session, SESSION_INDEX | SESSION_PUBLIC, OUTLET_EXPORT_STATIC);
    struct progress progress;
    struct static_options static_options = {.progress = progress_part, .ctx = &progress};
    progress_begin(&progress, "Exporting", 0);
    int rc = status ? 0 : static_export(&session.view, inv->args[0], &static_options, &result, &inv->err);
    progress_end(&progress);
    if (rc)
        status = cli_fail(inv);
    if (!status) {
        printf("%s: ", inv->args[0]);
        cli_put_counted(stdout, result.logs, "log, ", "logs, ");
        cli_put_counted(stdout, result.files_written, "file written (", "files written (");
        cli_put_bytes(stdout, result.bytes);
        fputs("), ", stdout);
        cli_put_count(stdout, result.files_kept);
        fputs(" kept\n", stdout);
        if (result.payloads_left_out)
            cli_note("%llu contents were left out: a bundle's file holds at most %u MiB of them",
                     (unsigned long long)result.payloads_left_out, PAYLOAD_BUNDLE_MAX >> 20);
        if (result.logs_left_out)
            cli_note("%llu logs were left out: a file server can announce at most %d",
                     (unsigned long long)result.logs_left_out, HEADS_PAGE_MAX);
    }
    session_close(&session);
    return status;
}

const struct command cmd_export_static = {
    .name = "export-static",
    .arguments = "DIR",
    .summary = "Write the public logs as files for a plain web server",
    .details =
        "C2SP tlog-tiles layout below DIR/logs/HEX/. Run it again to bring the tree up to date; any file server\n"
        "or object storage then serves it, and other nodes can use its address as a peer.\n",
    .min_args = 1,
    .max_args = 1,
    .run = run,
};
