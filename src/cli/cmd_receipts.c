/* tongzhou receipts: who has confirmed what we said to few; and whether we confirm what others say to us. */
#include "base/when.h"
#include "cli/commands.h"
#include "cli/session.h"
#include "connect/receipts.h"

#define LIST_LIMIT 20 /* contents without --limit */

/* ---- receipts ---- */

static const struct option options[] = {
    {"as", "MEMBER", "a member that lives on this node (default: the operator)", AT_MOST_ONCE},
    {"limit", "N", "at most so many contents, newest first (default 20; 0: all)", AT_MOST_ONCE},
    {"json", NULL, "a JSON object a line", AT_MOST_ONCE},
    {0},
};

struct listing {
    struct session *session;
    bool json;
    uint64_t limit, count;
};

static void put_state(const struct receipt_line *line)
{
    static const char *const words[] = {
        [RECEIPT_NONE] = "has not confirmed",
        [RECEIPT_GOOD] = "confirmed",
        [RECEIPT_OUTSIDE] = "has it, though it was not for it",
        [RECEIPT_WRONG] = "says to have it, and its proof is not valid",
        [RECEIPT_UNKNOWN] = "had confirmed; withdrawn since, so its proof cannot be checked any more",
    };
    char name[ORIGIN_MAX + 1], time[WHEN_TEXT_LEN + 1];
    origin_short(span_str(line->origin), name);
    printf("  %s  %s", name, words[line->state]);
    if (line->ref != 0) {
        when_format(line->time_ms, time);
        printf(", %.19sZ (its record %llu)", time, (unsigned long long)RECORD_REF_INDEX(line->ref));
    }
    if (line->state == RECEIPT_NONE)
        printf(" (%s)", audience_why(line->audience));
    putchar('\n');
}

static int put_record(struct listing *l, const struct view_record *record, bool in_full, struct err *err)
{
    struct receipt_lines lines;
    struct buf out;
    char name[ORIGIN_MAX + 1];
    int rc = receipts_of(&l->session->view, record, cli_now_ms(), &l->session->arena, &lines, err);
    if (rc < 0)
        return rc;
    l->count++;
    if (l->json) {
        buf_init(&out, 64u << 20);
        receipts_json(record, &lines, &out);
        rc = buf_check(&out, "receipts", err);
        if (rc == 0)
            fwrite(out.data, 1, out.len, stdout);
        buf_done(&out);
        return rc;
    }
    origin_short(span_str(record->log.origin), name);
    printf("%s/%llu  confirmed by %zu of %zu\n", name, (unsigned long long)record->index, lines.good, lines.expected);
    for (size_t i = 0; i < lines.count; i++)
        if (in_full || (lines.lines[i].state != RECEIPT_NONE && lines.lines[i].state != RECEIPT_GOOD))
            put_state(&lines.lines[i]);
    return 0;
}

static int put_one(struct invocation *inv, struct listing *l)
{
    struct log_info log;
    struct view_record record;
    uint64_t index;
    int status = session_record(inv, l->session, inv->args[0], &log, &index);
    if (status)
        return status;
    if (!receipts_visible(&l->session->view, &log)) {
        err_set(&inv->err, ERR_REFUSED, "%s does not live on this node: receipts are for their author alone",
                log.origin);
        return cli_fail(inv);
    }
    int rc = view_record(&l->session->view, &log, index, &l->session->arena, &record, &inv->err);
    if (rc == 0 && (record.entry_class != ENTRY_SEAL || (record.parsed && record.record.tlp == TLP_CLEAR)))
        rc = err_set(&inv->err, ERR_REFUSED, "%s is for everybody: only what is for few is confirmed", inv->args[0]);
    return rc < 0 || put_record(l, &record, true, &inv->err) < 0 ? cli_fail(inv) : EXIT_DONE;
}

/* Newest first. */
static int list(struct invocation *inv, struct listing *l, const struct log_info *log)
{
    int64_t ref = RECORD_REF(log->number + 1, 0);
    int rc = 0;
    while (rc == 0 && (l->limit == 0 || l->count < l->limit)) {
        struct view_record record;
        arena_clear(&l->session->arena);
        int found = receipts_next(&l->session->view, log, ref, &ref, &inv->err);
        rc = found < 0 ? found : 0;
        if (found <= 0)
            break;
        rc = view_record_ref(&l->session->view, ref, &l->session->arena, &record, &inv->err);
        if (rc == 0 && record.has_text && record.parsed)
            rc = put_record(l, &record, false, &inv->err);
    }
    if (rc == 0 && l->count == 0 && !l->json)
        puts("nothing was said to few");
    return rc < 0 ? cli_fail(inv) : EXIT_DONE;
}

/* As one writes it behind --each. */
static void put_duration(int64_t seconds)
{
    static const struct {
        int64_t seconds;
        char unit;
    } units[] = {{86400, 'd'}, {3600, 'h'}, {60, 'm'}, {1, 's'}};
    size_t i = 0;
    while (seconds % units[i].seconds != 0)
        i++;
    printf("%lld%c", (long long)(seconds / units[i].seconds), units[i].unit);
}

static void put_switches(const struct receipt_switch *all, size_t count)
{
    char name[ORIGIN_MAX + 1];
    for (size_t i = 0; i < count; i++) {
        origin_short(span_str(all[i].origin), name);
        printf("%s confirms what arrives, every ", name);
        put_duration(all[i].each_s);
        putchar('\n');
    }
    if (count == 0)
        puts("no member here confirms what arrives (`tongzhou receipts on`)");
}

static int run(struct invocation *inv)
{
    struct session session;
    struct listing l = {.session = &session, .json = cli_flag(inv, "json")};
    struct receipt_switch all[RECEIPT_MEMBERS_MAX];
    struct log_info log;
    size_t count;
    if (!cli_number(inv, "limit", LIST_LIMIT, UINT64_MAX, &l.limit))
        return EXIT_USAGE;
    int status = session_open(inv, &session, SESSION_INDEX, OUTLET_CLI_LOG);
    if (!status && inv->arg_count > 0)
        status = put_one(inv, &l);
    else if (!status && !(status = session_author(inv, &session, &log))) {
        if (receipt_switches(session.store, all, &count, &inv->err) < 0)
            status = cli_fail(inv);
        else if (!l.json)
            put_switches(all, count);
        if (!status)
            status = list(inv, &l, &log);
    }
    session_close(&session);
    return status;
}

const struct command cmd_receipts = {
    .name = "receipts",
    .arguments = "[MEMBER/INDEX]",
    .summary = "Show who has confirmed what we said to few, and who has not",
    .details =
        "A receipt is a record of another member, for us alone, with a proof that it had the content. Whoever says to "
        "have\n"
        "what it was never given is shown as such, and so is whoever has what was not for it. Without MEMBER/INDEX: "
        "how\n"
        "many have confirmed, of the last contents, and whether members here confirm themselves (`receipts on`).\n",
    .options = options,
    .max_args = 1,
    .run = run,
};

/* ---- receipts on, off ---- */

static const struct option on_options[] = {
    {"each", "D", "how often: a duration (default 1h); at times that do not depend on what arrives when", AT_MOST_ONCE},
    {"as", "MEMBER", "a member that lives on this node (default: the operator)", AT_MOST_ONCE},
    {0},
};
static const struct option off_options[] = {
    {"as", "MEMBER", "a member that lives on this node (default: the operator)", AT_MOST_ONCE},
    {0},
};

static int turn(struct invocation *inv, int64_t each_s)
{
    struct session session;
    struct log_info log;
    int status = session_open(inv, &session, SESSION_WRITE, OUTLET_CLI_LOG);
    if (!status)
        status = session_author(inv, &session, &log);
    if (!status && receipt_turn(session.store, &log, each_s, cli_now_ms(), &inv->err) < 0)
        status = cli_fail(inv);
    session_close(&session);
    return status;
}

static int run_on(struct invocation *inv)
{
    const char *each = cli_option(inv, "each", NULL);
    int64_t each_s = RECEIPT_EACH_DEFAULT_S;
    if (each && !cli_duration_s(inv, each, &each_s))
        return EXIT_USAGE;
    if (each_s > RECEIPT_EACH_MAX_S)
        return cli_usage(inv, "--each %s: at most 30d", each);
    return turn(inv, each_s);
}

static int run_off(struct invocation *inv)
{
    return turn(inv, 0);
}

const struct command cmd_receipts_on = {
    .name = "receipts on",
    .arguments = "",
    .summary = "Confirm to authors what arrives for us, while the node runs",
    .details =
        "Off until somebody says so: each receipt is an entry in our log, for everybody to see, though only the "
        "author\n"
        "can read it; so others may guess that something arrived within --each. Policy decides as for all that is for\n"
        "few whether it leaves: without a share rule for the author nothing is confirmed.\n",
    .options = on_options,
    .max_args = 0,
    .run = run_on,
};

const struct command cmd_receipts_off = {
    .name = "receipts off",
    .arguments = "",
    .summary = "Confirm nothing more; what was confirmed stays in our log",
    .options = off_options,
    .max_args = 0,
    .run = run_off,
};

/* ---- receipts send ---- */

static const struct option send_options[] = {
    {"as", "MEMBER", "a member that lives on this node (default: the operator)", AT_MOST_ONCE},
    {"dry-run", NULL, "only tell how much it would be", AT_MOST_ONCE},
    {"alone", NULL, "do not ask peers first whether they know more of our logs", AT_MOST_ONCE},
    {0},
};

static void put_kept(const struct receipts_done *done)
{
    char name[ORIGIN_MAX + 1], by[64] = "no rule shares it";
    origin_short(span_str(done->kept_from), name);
    if (done->kept_line)
        snprintf(by, sizeof(by), "line %u", done->kept_line);
    cli_note(
        "%zu not confirmed: policy would keep the receipt from its author (%s: %s). A rule that lets receipts out: "
        "share kind connect/receipt",
        done->kept, name, by);
}

static int run_send(struct invocation *inv)
{
    struct session session;
    struct log_info log;
    struct receipts_done done = {0};
    bool dry = cli_flag(inv, "dry-run");
    int status = session_open(inv, &session, SESSION_WRITE | SESSION_INDEX | (dry ? 0 : SESSION_SIGN), OUTLET_CLI_LOG);
    if (!status)
        status = session_author(inv, &session, &log);
    if (!status && log.role != LOG_OWN)
        status = cli_usage(inv, "a local log confirms nothing: others do not hear of it");
    if (!status && receipts_send(session.store, session.index, &log, cli_now_ms(), dry, &done, &inv->err) < 0)
        status = cli_fail(inv);
    session_close(&session);
    if (status)
        return status;
    printf("%s ", dry ? "would confirm" : "confirmed");
    cli_put_counted(stdout, done.contents, "content in ", "contents in ");
    cli_put_counted(stdout, done.receipts, "receipt", "receipts");
    puts(done.more ? "; there is more" : "");
    if (done.kept > 0)
        put_kept(&done);
    return EXIT_DONE;
}

const struct command cmd_receipts_send = {
    .name = "receipts send",
    .arguments = "",
    .summary = "Confirm now what has arrived for us, whether or not receipts are on",
    .options = send_options,
    .max_args = 0,
    .run = run_send,
};
