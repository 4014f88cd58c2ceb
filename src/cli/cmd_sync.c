/* tongzhou sync: one round of pulling, and healing what a disk has changed. */
#include "cli/commands.h"
#include "cli/session.h"
#include "connect/healing.h"
#include "connect/startcheck.h"
#include "connect/sync.h"
#include "index/index.h"

static const struct option options[] = {
    {"alone", NULL, "do not insist that a peer tells how far our own logs are", AT_MOST_ONCE},
    {"heal", NULL, "first find what a disk has changed in any log, and have it fetched again", AT_MOST_ONCE},
    {0},
};

static void print_report(const struct sync_report *report)
{
    if (report->peers == 0) {
        puts("no peers yet: tongzhou peer add URL");
        return;
    }
    printf("%llu of ", (unsigned long long)report->reached);
    cli_put_counted(stdout, report->peers, "peer answered; ", "peers answered; ");
    cli_put_counted(stdout, report->logs, "log moved: ", "logs moved: ");
    cli_put_counted(stdout, report->entries, "entry, ", "entries, ");
    cli_put_counted(stdout, report->payloads, "content, ", "contents, ");
    cli_put_bytes(stdout, report->bytes_in);
    fputs(" in ", stdout);
    cli_put_counted(stdout, report->requests, "request; ", "requests; ");
    printf("%llu cosigned, ", (unsigned long long)report->cosigned);
    cli_put_counted(stdout, report->collected, "cosignature collected\n", "cosignatures collected\n");
    if (report->healed)
        cli_put_counted(stdout, report->healed, "of our own logs healed from mirrors\n",
                        "of our own logs healed from mirrors\n");
    if (report->erased)
        cli_put_counted(stdout, report->erased, "content erased at its author's word\n",
                        "contents erased at their authors' word\n");
    if (report->listed)
        cli_put_counted(
            stdout, report->listed, "log is listed only: it exceeds its peer's quota (tongzhou follow ORIGIN)\n",
            "logs are listed only: they exceed their peer's quota (tongzhou members, tongzhou follow ORIGIN)\n");
    if (report->forks)
        cli_put_counted(stdout, report->forks, "fork proven: see tongzhou members\n",
                        "forks proven: see tongzhou members\n");
    for (size_t i = 0; i < report->failure_count && i < SYNC_FAILURES_MAX; i++)
        fprintf(stderr, "%s: %s%s\n", report->failures[i].url, report->failures[i].set_aside ? "set aside: " : "",
                report->failures[i].reason);
}

static void on_progress(void *ctx, const struct sync_report *report)
{
    progress_at(ctx, report->bytes_in, report->entries + report->payloads);
}

static int sync_now(struct invocation *inv, struct session *session)
{
    struct progress progress;
    struct sync_report report;
    struct err unchecked = {0};
    struct sync_options round = {.only = inv->arg_count ? inv->args[0] : NULL,
                                 .ignore_backoff = true,
                                 .progress = on_progress,
                                 .ctx = &progress};
    struct peer peer;
    if (round.only) {
        if (peer_find(session->store, span_str(round.only), &peer, &inv->err) ||
            sync_forgive(session->store, peer.number, &inv->err))
            return cli_fail(inv);
        round.only = peer.url;
    }
    /* Without an answer about our own logs we may still read others'. */
    round.may_sign = start_check(session->store, cli_flag(inv, "alone"), &unchecked) == 0;
    progress_begin(&progress, "Pulling", 0);
    int rc = sync_round(session->store, &round, &report, &inv->err);
    progress_end(&progress);
    if (!rc)
        rc = index_open(inv->dir, &session->index, &inv->err);
    if (rc)
        return cli_fail(inv);
    if ((rc = session_fold(inv, session)) != 0)
        return rc;
    if (report.erased && (rc = session_forget(inv, session)) != 0)
        return rc;
    print_report(&report);
    if (!round.may_sign)
        cli_note("%s", unchecked.text);
    return report.reached == report.peers && report.failure_count == 0 ? EXIT_DONE : EXIT_FAILED;
}

/* ---- healing ---- */

static void print_damage(const struct healing_log *found)
{
    char name[ORIGIN_MAX + 1];
    origin_short(span_str(found->log.origin), name);
    printf("damaged %s: ", name);
    if (found->damage.tree[0]) {
        printf("%s; ", found->damage.tree);
        if (found->mirror[0])
            printf("%s has a whole copy\n", found->mirror);
        else
            puts("no peer has a whole copy");
        return;
    }
    if (found->damage.cut) {
        puts("a file of contents is too short");
        return;
    }
    cli_put_counted(stdout, found->damage.contents, "content, ", "contents, ");
    cli_put_counted(stdout, found->damage.slots, "slot\n", "slots\n");
}

/* What is damaged, and may it be mended? Nothing is changed yet. */
static int diagnose(struct invocation *inv, struct healing *healing)
{
    struct store_options looks = {.read_only = true};
    struct progress progress;
    struct store *store;
    size_t hopeless = 0;
    if (store_open(inv->dir, &looks, &store, &inv->err))
        return cli_fail(inv);
    progress_begin(&progress, "Checking", 0);
    int rc = healing_find(store, progress_part, &progress, healing, &inv->err);
    progress_end(&progress);
    store_close(store);
    if (rc)
        return cli_fail(inv);
    for (size_t i = 0; i < healing->count; i++) {
        print_damage(&healing->logs[i]);
        hopeless += healing->logs[i].damage.tree[0] && !healing->logs[i].mirror[0];
    }
    if (healing->count == 0) {
        cli_put_counted(stdout, healing->looked_at, "log read and hashed, nothing is damaged\n",
                        "logs read and hashed, nothing is damaged\n");
        return EXIT_DONE;
    }
    if (hopeless == 0)
        return EXIT_DONE;
    err_set(&inv->err, ERR_STATE,
            "nothing was changed: put back a backup (tongzhou restore), or add a peer that has it");
    return cli_fail(inv);
}

static int tell_lacking(struct invocation *inv, struct session *session, const struct healing *healing)
{
    uint64_t lacking, all = 0;
    for (size_t i = 0; i < healing->count; i++) {
        struct log_info log;
        if (store_log(session->store, healing->logs[i].log.number, &log, &inv->err) ||
            healing_lacking(session->store, &log, &lacking, &inv->err))
            return cli_fail(inv);
        all += lacking;
        char name[ORIGIN_MAX + 1];
        origin_short(span_str(log.origin), name);
        printf("healed  %s: ", name);
        cli_put_counted(stdout, log.size, "entry, ", "entries, ");
        cli_put_counted(stdout, lacking, "content still lacking\n", "contents still lacking\n");
    }
    return all ? EXIT_FAILED : EXIT_DONE;
}

static int mend(struct invocation *inv, struct session *session, const struct healing *healing)
{
    if (healing_mend(session->store, healing, &inv->err))
        return cli_fail(inv);
    int status = sync_now(inv, session);
    if (status != EXIT_DONE && status != EXIT_FAILED)
        return status;
    int lacking = tell_lacking(inv, session, healing); /* a peer that did not answer keeps others from nothing */
    return status ? status : lacking;
}

static int heal(struct invocation *inv)
{
    struct session session;
    struct healing healing = {0};
    int status = diagnose(inv, &healing);
    if (status == EXIT_DONE) {
        status =
            session_open(inv, &session, healing.count ? SESSION_WRITE | SESSION_HEAL : SESSION_WRITE, OUTLET_CLI_LOG);
        if (!status)
            status = mend(inv, &session, &healing);
        session_close(&session);
    }
    healing_free(&healing);
    return status;
}

static int run(struct invocation *inv)
{
    struct session session;
    if (cli_flag(inv, "heal"))
        return heal(inv);
    int status = session_open(inv, &session, SESSION_WRITE, OUTLET_CLI_LOG);
    if (!status)
        status = sync_now(inv, &session);
    session_close(&session);
    return status;
}

const struct command cmd_sync = {
    .name = "sync",
    .arguments = "[PEER]",
    .summary = "Ask all peers, or one, for what is new, once",
    .details =
        "`tongzhou serve` does this by itself. Exit status 1 if a peer failed; the others' news are in all the same.\n"
        "--heal, with no other process on the node: reads and hashes everything, throws away what a disk has\n"
        "changed and fetches it again. A log is begun anew only once a peer has shown a whole copy of it.\n",
    .options = options,
    .max_args = 1,
    .run = run,
};
