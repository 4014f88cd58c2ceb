/* tongzhou publish: say something of any kind under one's own name. */
#include "base/limits.h"
#include "base/when.h"
#include "cli/commands.h"
#include "cli/input.h"
#include "cli/session.h"
#include "record/seal.h"
#include "state/author.h"

static const struct option options[] = {
    {"kind", "K", "what it is: capability/name, as security/stix (required)", false},
    {"tlp", "T", "clear, green, amber, amber+strict or red (required)", false},
    {"type", "M", "media type of the body", false},
    {"lang", "L", "its language, BCP 47", false},
    {"ref", "R", "a record that it refers to, MEMBER/INDEX in full, or a URI", true},
    {"to", "MEMBER", "whom it is for, the whole origin", true},
    {"as", "MEMBER", "a member that lives on this node (default: the operator)", false},
    {"local", NULL, "into the node's local log, which is never served", false},
    {"alone", NULL, "do not ask peers first whether they know more of our logs", false},
    {0},
};

#define REFS_MAX 64

static size_t count(const struct invocation *inv, const char *name)
{
    size_t found = 0;
    for (int i = 0; i < inv->given_count; i++)
        found += strcmp(inv->given[i].option->name, name) == 0;
    return found;
}

static size_t collect(const struct invocation *inv, const char *name, struct span *out)
{
    size_t found = 0;
    for (int i = 0; i < inv->given_count; i++)
        if (strcmp(inv->given[i].option->name, name) == 0)
            out[found++] = span_str(inv->given[i].value);
    return found;
}

static int write_draft(struct invocation *inv, enum tlp tlp, struct span body, struct buf *out)
{
    struct span refs[REFS_MAX], to[REFS_MAX];
    struct record_draft draft = {
        .kind = cli_option(inv, "kind", ""),
        .time_ms = cli_now_ms(),
        .tlp = tlp,
        .lang = span_str(cli_option(inv, "lang", "")),
        .type = span_str(cli_option(inv, "type", "")),
        .ref = refs,
        .to = to,
        .ref_count = collect(inv, "ref", refs),
        .to_count = collect(inv, "to", to),
        .body = body,
    };
    return record_write(&draft, out, &inv->err);
}

static int append(struct invocation *inv, struct session *session, enum tlp tlp, struct span text)
{
    struct log_info log;
    uint64_t index, folded;
    int rc = cli_flag(inv, "local") ? session_local(inv, session, false, &log) : session_author(inv, session, &log);
    if (rc)
        return rc;
    struct author_item item = {.text = text, .clear = tlp == TLP_CLEAR && log.role != LOG_LOCAL};
    if (author_append(session->store, log.number, &item, 1, cli_now_ms(), &index, &inv->err))
        return cli_fail(inv);
    printf("%s/%llu\n", log.origin, (unsigned long long)index);
    if (tlp != TLP_CLEAR && log.role != LOG_LOCAL)
        cli_note("TLP:%s stays on this node: others see that something was said, not what", tlp_word(tlp));
    /* Durable already; the index is told so that the next command finds it. */
    return index_update(session->index, session->store, 0, &folded, &inv->err) ? cli_fail(inv) : EXIT_DONE;
}

static int publish(struct invocation *inv, enum tlp tlp)
{
    struct session session;
    struct buf body, text;
    buf_init(&body, PAYLOAD_MAX);
    buf_init(&text, PAYLOAD_MAX);
    int status = EXIT_FAILED;
    if (input_slurp(inv->args[0], PAYLOAD_MAX - RECORD_HEADER_MAX, &body, &inv->err) ||
        write_draft(inv, tlp, buf_view(&body), &text)) {
        status = cli_fail(inv);
    } else {
        unsigned sign = cli_flag(inv, "local") ? 0 : SESSION_SIGN;
        status = session_open(inv, &session, SESSION_WRITE | SESSION_INDEX | sign, OUTLET_CLI_LOG);
        if (!status)
            status = append(inv, &session, tlp, buf_view(&text));
        session_close(&session);
    }
    buf_done(&body);
    buf_done(&text);
    return status;
}

static int run(struct invocation *inv)
{
    const char *kind = cli_option(inv, "kind", NULL), *word = cli_option(inv, "tlp", NULL);
    if (!kind || !word)
        return cli_usage(inv, "--kind and --tlp are needed: nothing has a default audience");
    if (!record_kind_valid(span_str(kind)))
        return cli_usage(inv, "--kind %s: capability/name is needed, lower-case letters, digits and hyphens", kind);
    if (kind_constitutional(span_str(kind)) || strcmp(kind, "seal") == 0)
        return cli_usage(inv, "--kind %s stands in the log in full and has a command of its own", kind);
    if (cli_flag(inv, "local") && cli_option(inv, "as", NULL))
        return cli_usage(inv, "--local and --as exclude each other: the local log is nobody's voice");
    enum tlp tlp = tlp_parse(span_str(word));
    if (tlp == TLP_NONE)
        return cli_usage(inv, "--tlp %s: must be clear, green, amber, amber+strict or red", word);
    if (count(inv, "ref") > REFS_MAX || count(inv, "to") > REFS_MAX)
        return cli_usage(inv, "more than %d of --ref or of --to", REFS_MAX);
    return publish(inv, tlp);
}

const struct command cmd_publish = {
    .name = "publish",
    .arguments = "FILE|-",
    .summary = "Say something of any kind under our name",
    .details =
        "Prints the new record's address. Anyone may start a new kind: others mirror it and show it as it is.\n\n"
        "  tongzhou publish --kind culture/work --tlp clear --lang zh-Hans --type text/plain poem.txt\n",
    .options = options,
    .min_args = 1,
    .max_args = 1,
    .run = run,
};
