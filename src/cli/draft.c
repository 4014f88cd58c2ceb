#include "cli/draft.h"

#include "base/limits.h"
#include "cli/input.h"
#include "record/seal.h"

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

/* A marking is honoured whichever way an object goes out; in the local log it goes nowhere. */
static int check_body(struct invocation *inv, struct store *store, enum tlp tlp, struct span body)
{
    struct publishing_body said = {span_str(cli_option(inv, "kind", "")), body, tlp, cli_now_ms()};
    return cli_flag(inv, "local") ? 0 : publishing_check_body(store, &said, &inv->err);
}

/* ---- before anything is opened ---- */

int draft_check(struct invocation *inv, struct draft *ret)
{
    const char *kind = cli_option(inv, "kind", NULL), *word = cli_option(inv, "tlp", NULL);
    *ret = (struct draft){0};
    buf_init(&ret->body, PAYLOAD_MAX);
    buf_init(&ret->text, PAYLOAD_MAX);
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
    ret->tlp = tlp_parse(span_str(word));
    if (ret->tlp == TLP_NONE)
        return cli_usage(inv, "--tlp %s: must be clear, green, amber, amber+strict or red", word);
    if (count(inv, "ref") > REFS_MAX)
        return cli_usage(inv, "more than %d of --ref", REFS_MAX);
    int status = audience_check(inv, ret->tlp);
    if (!status)
        status = parcel_options_check(inv, &ret->wish);
    if (!status)
        status = check_words(inv, ret->tlp);
    if (!status && (input_slurp(inv->args[0], PAYLOAD_MAX - RECORD_HEADER_MAX, &ret->body, &inv->err) ||
                    check_body(inv, NULL, ret->tlp, buf_view(&ret->body))))
        status = cli_fail(inv);
    return status;
}

/* ---- with the node ---- */

static int look(struct invocation *inv, struct session *session, struct draft *draft)
{
    struct err *err = &inv->err;
    struct preview_draft ask = {.view = &session->view,
                                .author = &draft->log,
                                .text = buf_view(&draft->text),
                                .keep = cli_flag(inv, "keep"),
                                .parcel = draft->wish.wanted,
                                .now_ms = cli_now_ms()};
    return preview_make(&ask, &session->arena, &draft->preview, err) ? cli_fail(inv) : 0;
}

int draft_make(struct invocation *inv, struct session *session, bool dry, struct draft *draft)
{
    draft->audience = arena_alloc(&session->arena, sizeof(*draft->audience));
    if (!draft->audience) {
        err_memory(&inv->err);
        return cli_fail(inv);
    }
    int rc = cli_flag(inv, "local") ? session_local(inv, session, dry, &draft->log)
                                    : session_author(inv, session, &draft->log);
    if (!rc)
        rc = audience_resolve(inv, session, draft->tlp, &draft->log, draft->audience);
    if (!rc && check_body(inv, session->store, draft->tlp, buf_view(&draft->body)))
        rc = cli_fail(inv);
    if (!rc)
        rc = parcel_prepare(inv, session, &draft->wish, draft->audience, &draft->log);
    if (!rc)
        rc = write_draft(inv, session, draft->audience, buf_view(&draft->body), &draft->text);
    return rc ? rc : look(inv, session, draft);
}

bool draft_refused(struct invocation *inv, const struct draft *draft)
{
    const struct preview *preview = &draft->preview;
    const char *fault = preview_fault_words(preview->fault);
    char name[ORIGIN_MAX + 1];
    if (!fault)
        return false;
    err_set(&inv->err, ERR_REFUSED, "%s (`tongzhou preview` shows all)", fault);
    for (size_t i = 0; i < preview->count; i++) {
        const struct preview_member *member = &preview->members[i];
        if (member->fate != PREVIEW_KEPT && member->fate != PREVIEW_UNHEARD)
            continue;
        origin_short(span_str(member->origin), name);
        if (member->line)
            err_set(&inv->err, ERR_REFUSED, "%s: %s, line %u (`tongzhou preview` shows all). %s", name,
                    preview_why(member), member->line, fault);
        else
            err_set(&inv->err, ERR_REFUSED, "%s: %s (`tongzhou preview` shows all). %s", name, preview_why(member),
                    fault);
        break;
    }
    return true;
}

void draft_done(struct draft *draft)
{
    buf_done(&draft->body);
    buf_done(&draft->text);
    parcel_wish_done(&draft->wish);
}
