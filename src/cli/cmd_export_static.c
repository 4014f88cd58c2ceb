/* tongzhou export-static: the public logs as plain files. */
#include "cli/commands.h"
#include "cli/session.h"
#include "connect/static.h"

static int run(struct invocation *inv)
{
    struct session session;
    struct static_result result;
    int status = session_open(inv, &session, SESSION_INDEX | SESSION_PUBLIC, OUTLET_EXPORT_STATIC);
    if (!status && static_export(&session.view, inv->args[0], &result, &inv->err))
        status = cli_fail(inv);
    if (!status) {
        printf("%s: %llu logs, ", inv->args[0], (unsigned long long)result.logs);
        cli_put_count(stdout, result.files_written);
        fputs(" files written (", stdout);
        cli_put_bytes(stdout, result.bytes);
        fputs("), ", stdout);
        cli_put_count(stdout, result.files_kept);
        fputs(" kept\n", stdout);
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
