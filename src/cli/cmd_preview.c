/* tongzhou preview: who would get what is not said yet. */
#include "cli/commands.h"
#include "cli/draft.h"

static const struct option options[] = {
    DRAFT_OPTIONS,
    {"all", NULL, "list each member that is not meant, too", AT_MOST_ONCE},
    {"json", NULL, "as one JSON object, with every member", AT_MOST_ONCE},
    {0},
};

static int show_json(struct invocation *inv, const struct preview *preview)
{
    struct buf out;
    buf_init(&out, PREVIEW_JSON_MAX);
    int rc = preview_json(preview, &out, &inv->err);
    if (rc == 0)
        fwrite(out.data, 1, out.len, stdout);
    buf_done(&out);
    return rc ? cli_fail(inv) : 0;
}

static int show(struct invocation *inv, const struct draft *draft)
{
    int status = 0;
    if (cli_flag(inv, "json"))
        status = show_json(inv, &draft->preview);
    else
        draft_print(&draft->preview, cli_flag(inv, "all"));
    if (status || !draft_refused(inv, draft))
        return status;
    err_in(&inv->err, "it would not be published");
    return cli_fail(inv);
}

static int run(struct invocation *inv)
{
    struct session session;
    struct draft draft;
    int status = draft_check(inv, &draft);
    if (!status) {
        status = session_open(inv, &session, SESSION_INDEX, OUTLET_PREVIEW);
        if (!status)
            status = draft_make(inv, &session, true, &draft);
        if (!status)
            status = show(inv, &draft);
        session_close(&session);
    }
    draft_done(&draft);
    return status;
}

const struct command cmd_preview = {
    .name = "preview",
    .arguments = "FILE|-",
    .summary = "Show who would get it if it were published, and why",
    .details = "Takes what `tongzhou publish` takes, and says nothing. Shown are the members that would get it, by "
               "which path and\n"
               "rule of the policy; those that would not, and why; and what it does to others. Each answer comes from "
               "what decides\n"
               "when it is asked for, as everything stands now. What contradicts itself is told, with what to do about "
               "it, and\n"
               "publish refuses it: then the exit status is 1, or 2 if the options contradict one another.\n\n"
               "  tongzhou preview --kind culture/note --tlp amber --to cert.example.org note.txt\n",
    .options = options,
    .min_args = 1,
    .max_args = 1,
    .run = run,
};
