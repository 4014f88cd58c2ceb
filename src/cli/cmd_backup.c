/* tongzhou backup, restore: a whole node in one file. */
#include "cli/commands.h"
#include "cli/session.h"
#include "connect/backup.h"

static void print_result(const char *path, const char *verb, const struct backup_result *result)
{
    printf("%s: %s ", path, verb);
    cli_put_counted(stdout, result->files, "file, ", "files, ");
    cli_put_bytes(stdout, result->bytes);
    putchar('\n');
}

static int run_backup(struct invocation *inv)
{
    struct session session;
    struct backup_result result;
    int status = session_open(inv, &session, 0, OUTLET_CLI_LOG);
    struct progress progress;
    struct backup_options backup_options = {.now_ms = cli_now_ms(), .progress = progress_part, .ctx = &progress};
    progress_begin(&progress, "Saving", 0);
    int rc = status ? 0 : backup_write(session.store, inv->args[0], &backup_options, &result, &inv->err);
    progress_end(&progress);
    if (rc)
        status = cli_fail(inv);
    if (!status) {
        print_result(inv->args[0], "saved", &result);
        puts("It holds the secret keys: keep it as you keep this machine.");
    }
    session_close(&session);
    return status;
}

const struct command cmd_backup = {
    .name = "backup",
    .arguments = "FILE.tar.zst",
    .summary = "Save the whole node, keys included, while it runs",
    .details = "Recovery keys are not in it: they are kept elsewhere.\n",
    .min_args = 1,
    .max_args = 1,
    .run = run_backup,
};

static int run_restore(struct invocation *inv)
{
    struct backup_result result;
    struct progress progress;
    struct backup_options restore_options = {.now_ms = cli_now_ms(), .progress = progress_part, .ctx = &progress};
    progress_begin(&progress, "Restoring", 0);
    int rc = backup_restore(inv->args[0], inv->dir, &restore_options, &result, &inv->err);
    progress_end(&progress);
    if (rc)
        return cli_fail(inv);
    print_result(inv->args[0], "restored", &result);
    if (result.dropped)
        printf("%llu of %llu contents were erased while the backup was made, or damaged, and are left out.\n",
               (unsigned long long)result.dropped, (unsigned long long)result.contents);
    printf("The node in %s signs nothing before a peer has told how far its logs really are:\n"
           "run `tongzhou sync`, which also brings back what the backup lacks.\n",
           inv->dir);
    return EXIT_DONE;
}

const struct command cmd_restore = {
    .name = "restore",
    .arguments = "FILE.tar.zst",
    .summary = "Make a node from a backup, in a new folder",
    .details = "A backup is older than the node was. Before its first signature the restored node asks its peers for\n"
               "its own logs and catches up from them: otherwise it would fork itself.\n",
    .min_args = 1,
    .max_args = 1,
    .run = run_restore,
};
