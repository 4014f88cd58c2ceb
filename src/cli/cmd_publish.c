/* tongzhou publish: say something of any kind under one's own name. */
#include "cli/commands.h"
#include "cli/draft.h"

static const struct option options[] = {
    DRAFT_OPTIONS,
    {"alone", NULL, "do not ask peers first whether they know more of our logs", AT_MOST_ONCE},
    {"preview", NULL, "say nothing, show who would get it (see `tongzhou preview`)", AT_MOST_ONCE},
    {0},
};

static int append(struct invocation *inv, struct session *session, struct draft *draft)
{
    uint64_t index, folded;
    const struct log_info *log = &draft->log;
    if (publishing_append(session->store, log, draft->tlp, buf_view(&draft->text), cli_now_ms(), &index, &inv->err))
        return cli_fail(inv);
    printf("%s/%llu\n", log->origin, (unsigned long long)index);
    audience_tell(session, draft->audience, log);
    if (parcel_note(&draft->wish, index, 1, &inv->err))
        return cli_fail(inv);
    int rc = parcel_finish(inv, session, &draft->wish, draft->audience, log);
    if (rc)
        return rc;
    /* Durable already; the index is told so that the next command finds it. */
    return index_update(session->index, session->store, 0, &folded, &inv->err) ? cli_fail(inv) : EXIT_DONE;
}

static int say(struct invocation *inv, struct session *session, struct draft *draft)
{
    int rc = draft_make(inv, session, false, draft);
    if (rc)
        return rc;
    return draft_refused(inv, draft) ? cli_fail(inv) : append(inv, session, draft);
}

static int run(struct invocation *inv)
{
    struct session session;
    struct draft draft;
    if (cli_flag(inv, "preview"))
        return cmd_preview.run(inv);
    int status = draft_check(inv, &draft);
    if (!status) {
        unsigned sign = cli_flag(inv, "local") ? 0 : SESSION_SIGN;
        status = session_open(inv, &session, SESSION_WRITE | SESSION_INDEX | sign, OUTLET_CLI_LOG);
        if (!status)
            status = say(inv, &session, &draft);
        session_close(&session);
    }
    draft_done(&draft);
    return status;
}

const struct command cmd_publish = {
    .name = "publish",
    .arguments = "FILE|-",
    .summary = "Say something of any kind under our name",
    .details =
        "Prints the new record's address. Anyone may start a new kind: others mirror it and show it as it is.\n\n"
        "What is not clear goes to whom --to names, when their nodes ask for it: amber to members and the nodes they "
        "live\n"
        "on, amber+strict to them alone, green to one's community as well. All others see that something was said.\n"
        "Red is for persons: on their member's node only who signs in by that name sees it. What is for somebody who "
        "has\n"
        "no account there yet waits.\n\n"
        "  tongzhou publish --kind culture/work --tlp clear --lang zh-Hans --type text/plain poem.txt\n"
        "  tongzhou publish --kind culture/note --tlp amber --to cert.example.org note.txt\n"
        "  tongzhou publish --kind culture/note --tlp red --to 'cert.example.org li.wei' note.txt\n",
    .options = options,
    .min_args = 1,
    .max_args = 1,
    .run = run,
};
