/* tongzhou publish: say something of any kind under one's own name. */
#include "base/limits.h"
#include "base/when.h"
#include "cli/audience.h"
#include "cli/commands.h"
#include "cli/input.h"
#include "cli/parcel.h"
#include "cli/session.h"
#include "record/seal.h"

static const struct option options[] = {
    {"kind", "K", "what it is: capability/name, as security/stix", ONCE},
    {"tlp", "T", "clear, green, amber, amber+strict or red", ONCE},
    {"type", "M", "media type of the body", AT_MOST_ONCE},
    {"lang", "L", "its language, BCP 47", AT_MOST_ONCE},
    {"ref", "R", "a record that it refers to, MEMBER/INDEX, or a URI", ANY_NUMBER},
    {"to", "MEMBER", "whom it is for: a member, or a group MEMBER#NAME", ANY_NUMBER},
    {"keep", NULL, "for nobody else: its content stays on this node", AT_MOST_ONCE},
    {"parcel", NULL, "encrypted to --to as well, so that nodes carry it that may not read it", AT_MOST_ONCE},
    {"expires", "D", "when nodes forget the parcel: a duration (default 30d)", AT_MOST_ONCE},
    {"as", "MEMBER", "a member that lives on this node (default: the operator)", AT_MOST_ONCE},
    {"local", NULL, "into the node's local log, which is never served", AT_MOST_ONCE},
    {"alone", NULL, "do not ask peers first whether they know more of our logs", AT_MOST_ONCE},
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

/* Two lists of names, resolved: people type MEMBER/INDEX as `tongzhou log` shows it, a record names whole origins. */
struct named {
    char text[REFS_MAX][ORIGIN_MAX + 24];
    struct span span[REFS_MAX];
    size_t count;
};

/* SCHEME:..., of which origins have none. */
static bool is_uri(const char *text)
{
    size_t scheme = strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+.-");
    return scheme > 0 && text[scheme] == ':';
}

/* ORIGIN/INDEX of a log that is not here. */
static bool is_whole(const char *text)
{
    const char *slash = strrchr(text, '/');
    uint64_t index;
    return slash && origin_valid(span_of(text, (size_t)(slash - text))) &&
           span_u64(span_str(slash + 1), LOG_SIZE_MAX, &index);
}

/* Of what never leaves this node nothing that does may tell. */
static int refuse_local(struct invocation *inv, struct session *session, struct span origin)
{
    struct log_info log;
    struct err elsewhere;
    if (cli_flag(inv, "local") || store_log_find(session->store, origin, &log, &elsewhere) || log.role != LOG_LOCAL)
        return 0;
    err_set(&inv->err, ERR_REFUSED, "%s is a local log, of which others do not hear: add --local", log.origin);
    return cli_fail(inv);
}

static int name_ref(struct invocation *inv, struct session *session, const char *value, struct named *out)
{
    struct log_info log;
    uint64_t index;
    if (is_uri(value) || is_whole(value)) {
        out->span[out->count++] = span_str(value);
        const char *slash = strrchr(value, '/');
        return is_uri(value) ? 0 : refuse_local(inv, session, span_of(value, (size_t)(slash - value)));
    }
    int rc = session_record(inv, session, value, &log, &index);
    if (rc)
        return rc;
    snprintf(out->text[out->count], sizeof(out->text[0]), "%s/%llu", log.origin, (unsigned long long)index);
    out->span[out->count] = span_str(out->text[out->count]);
    out->count++;
    return refuse_local(inv, session, span_str(log.origin));
}

static struct record_draft draft_of(const struct invocation *inv, enum tlp tlp)
{
    return (struct record_draft){
        .kind = cli_option(inv, "kind", ""),
        .time_ms = cli_now_ms(),
        .tlp = tlp,
        .lang = span_str(cli_option(inv, "lang", "")),
        .type = span_str(cli_option(inv, "type", "")),
    };
}

/* Before a file is read or a peer asked. */
static int check_words(struct invocation *inv, enum tlp tlp)
{
    struct buf header;
    struct record_draft draft = draft_of(inv, tlp);
    buf_init(&header, RECORD_HEADER_MAX);
    int rc = record_write(&draft, &header, &inv->err);
    buf_done(&header);
    return rc ? cli_usage(inv, "%s", inv->err.text) : 0;
}

static int write_draft(struct invocation *inv, struct session *session, const struct named_audience *audience,
                       struct span body, struct buf *out)
{
    struct named refs = {0};
    int rc = 0;
    for (int i = 0; i < inv->given_count && !rc; i++) {
        const char *value = inv->given[i].value;
        if (strcmp(inv->given[i].option->name, "ref") == 0)
            rc = name_ref(inv, session, value, &refs);
    }
    if (rc)
        return rc;
    struct record_draft draft = draft_of(inv, audience->tlp);
    draft.ref = refs.span;
    draft.to = audience->to;
    draft.ref_count = refs.count;
    draft.to_count = audience->count;
    draft.body = body;
    return record_write(&draft, out, &inv->err) ? cli_fail(inv) : 0;
}

static int append(struct invocation *inv, struct session *session, const struct named_audience *audience,
                  const struct log_info *log, struct span text, struct parcel_wish *wish)
{
    uint64_t index, folded;
    if (publishing_append(session->store, log, audience->tlp, text, cli_now_ms(), &index, &inv->err))
        return cli_fail(inv);
    printf("%s/%llu\n", log->origin, (unsigned long long)index);
    audience_tell(session, audience, log);
    if (parcel_note(wish, index, 1, &inv->err))
        return cli_fail(inv);
    int rc = parcel_finish(inv, session, wish, audience, log);
    if (rc)
        return rc;
    /* Durable already; the index is told so that the next command finds it. */
    return index_update(session->index, session->store, 0, &folded, &inv->err) ? cli_fail(inv) : EXIT_DONE;
}

/* A marking is honoured whichever way an object goes out; in the local log it goes nowhere. */
static int check_body(struct invocation *inv, enum tlp tlp, struct span body)
{
    struct span kind = span_str(cli_option(inv, "kind", ""));
    return cli_flag(inv, "local") ? 0 : publishing_check_body(kind, tlp, body, &inv->err);
}

static int say(struct invocation *inv, struct session *session, enum tlp tlp, struct span body, struct buf *text,
               struct parcel_wish *wish)
{
    struct named_audience *audience = arena_alloc(&session->arena, sizeof(*audience));
    struct log_info log;
    if (!audience) {
        err_memory(&inv->err);
        return cli_fail(inv);
    }
    int rc = cli_flag(inv, "local") ? session_local(inv, session, false, &log) : session_author(inv, session, &log);
    if (!rc)
        rc = audience_resolve(inv, session, tlp, &log, audience);
    if (!rc)
        rc = parcel_prepare(inv, session, wish, audience, &log);
    if (!rc)
        rc = write_draft(inv, session, audience, body, text);
    return rc ? rc : append(inv, session, audience, &log, buf_view(text), wish);
}

static int publish(struct invocation *inv, enum tlp tlp, struct parcel_wish *wish)
{
    struct session session;
    struct buf body, text;
    buf_init(&body, PAYLOAD_MAX);
    buf_init(&text, PAYLOAD_MAX);
    int status = EXIT_FAILED;
    if (input_slurp(inv->args[0], PAYLOAD_MAX - RECORD_HEADER_MAX, &body, &inv->err) ||
        check_body(inv, tlp, buf_view(&body))) {
        status = cli_fail(inv);
    } else {
        unsigned sign = cli_flag(inv, "local") ? 0 : SESSION_SIGN;
        status = session_open(inv, &session, SESSION_WRITE | SESSION_INDEX | sign, OUTLET_CLI_LOG);
        if (!status)
            status = say(inv, &session, tlp, buf_view(&body), &text, wish);
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
    if (!*cli_option(inv, "lang", "?") || !*cli_option(inv, "type", "?"))
        return cli_usage(inv, "--lang and --type need a value, or are left out");
    if (cli_flag(inv, "local") && cli_option(inv, "as", NULL))
        return cli_usage(inv, "--local and --as exclude each other: the local log is nobody's voice");
    enum tlp tlp = tlp_parse(span_str(word));
    if (tlp == TLP_NONE)
        return cli_usage(inv, "--tlp %s: must be clear, green, amber, amber+strict or red", word);
    if (count(inv, "ref") > REFS_MAX)
        return cli_usage(inv, "more than %d of --ref", REFS_MAX);
    struct parcel_wish wish = {0};
    int status = audience_check(inv, tlp);
    if (!status)
        status = parcel_options_check(inv, &wish);
    if (!status)
        status = check_words(inv, tlp);
    if (!status)
        status = publish(inv, tlp, &wish);
    parcel_wish_done(&wish);
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
        "on, amber+strict to them alone, green to one's community as well. All others see that something was said.\n\n"
        "  tongzhou publish --kind culture/work --tlp clear --lang zh-Hans --type text/plain poem.txt\n"
        "  tongzhou publish --kind culture/note --tlp amber --to cert.example.org note.txt\n",
    .options = options,
    .min_args = 1,
    .max_args = 1,
    .run = run,
};
