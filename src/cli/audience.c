#include "cli/audience.h"

#include "base/utf8.h"
#include "index/view.h"

const char *audience_marking(enum tlp tlp)
{
    static const char *const words[] = {[TLP_NONE] = "no TLP",
                                        [TLP_CLEAR] = "TLP:CLEAR",
                                        [TLP_GREEN] = "TLP:GREEN",
                                        [TLP_AMBER] = "TLP:AMBER",
                                        [TLP_AMBER_STRICT] = "TLP:AMBER+STRICT",
                                        [TLP_RED] = "TLP:RED"};
    return words[tlp];
}

static size_t count_to(const struct invocation *inv)
{
    size_t found = 0;
    for (int i = 0; i < inv->given_count; i++)
        found += strcmp(inv->given[i].option->name, "to") == 0;
    return found;
}

int audience_check(struct invocation *inv, enum tlp tlp)
{
    size_t count = count_to(inv);
    bool keep = cli_flag(inv, "keep"), local = cli_flag(inv, "local");
    const char *marking = audience_marking(tlp);
    if (count > AUDIENCE_TO_MAX)
        return cli_usage(inv, "%zu of --to, %d allowed: a group names more", count, AUDIENCE_TO_MAX);
    if (keep && count > 0)
        return cli_usage(inv, "--keep and --to exclude each other: what is kept goes to nobody");
    if (local)
        return keep ? cli_usage(inv, "--keep says nothing with --local: the local log goes nowhere anyway") : 0;
    if (keep && tlp == TLP_CLEAR)
        return cli_usage(inv, "--keep contradicts TLP:CLEAR, which is for everybody");
    if (count > 0 && tlp == TLP_CLEAR)
        return cli_usage(inv,
                         "--to contradicts TLP:CLEAR, which is for everybody: leave --to out, or mark it green, amber "
                         "or amber+strict");
    if (count > 0 && tlp == TLP_RED)
        return cli_usage(inv,
                         "TLP:RED is for named persons, and no member is a person: amber+strict is for a member and "
                         "nobody beyond it; --keep keeps it here");
    if (count == 0 && !keep && tlp >= TLP_AMBER)
        return cli_usage(inv,
                         "%s without --to is for nobody: name members, or give --keep if its content is to stay on "
                         "this node",
                         marking);
    return 0;
}

static int refuse(struct invocation *inv, int code, const char *value, const char *why)
{
    char shown[4 * RECORD_LINE_MAX];
    text_escape_into(shown, sizeof(shown), span_str(value));
    err_set(&inv->err, code, "--to %.300s: %s", shown, why);
    return cli_fail(inv);
}

/* A member's log that is here: only so can its signature be checked when it asks. */
static int resolve_member(struct invocation *inv, struct session *session, const char *value, struct span typed,
                          char *out)
{
    struct log_info log;
    if (view_log_find(&session->view, typed, &log, &inv->err)) {
        err_in(&inv->err, "--to %.*s", (int)(typed.len < 300 ? typed.len : 300), (const char *)typed.data);
        return cli_fail(inv);
    }
    if (log.role == LOG_LOCAL && !cli_flag(inv, "local"))
        return refuse(inv, ERR_REFUSED, value, "a local log, of which others do not hear");
    if (log.size == 0 || log.role == LOG_LISTED)
        return refuse(
            inv, ERR_STATE, value,
            "nothing of its log is here yet, so its requests could not be told from others': `tongzhou sync`, or "
            "`tongzhou follow` it, first");
    snprintf(out, ORIGIN_MAX + 1, "%s", log.origin);
    return 0;
}

static int resolve_one(struct invocation *inv, struct session *session, const char *value, char *out)
{
    struct span typed = span_str(value);
    size_t mark = span_find(typed, '#');
    if (typed.len > RECORD_LINE_MAX)
        return refuse(inv, ERR_LIMIT, value, "too long");
    int rc = resolve_member(inv, session, value, span_sub(typed, 0, mark), out);
    if (rc || mark == typed.len)
        return rc;
    if (!view_knows_groups())
        return refuse(inv, ERR_REFUSED, value, "groups are not known to this program: name its members");
    size_t len = strlen(out);
    snprintf(out + len, RECORD_LINE_MAX + 1 - len, "%s", value + mark);
    return audience_is_group(span_str(out)) ? 0 : refuse(inv, ERR_SYNTAX, value, "MEMBER#NAME is needed for a group");
}

static bool is_listed(const struct named_audience *audience, const char *text)
{
    for (size_t i = 0; i < audience->count; i++)
        if (strcmp(audience->text[i], text) == 0)
            return true;
    return false;
}

int audience_resolve(struct invocation *inv, struct session *session, enum tlp tlp, const struct log_info *author,
                     struct named_audience *ret)
{
    size_t others = 0;
    ret->tlp = tlp;
    ret->count = 0;
    for (int i = 0; i < inv->given_count; i++) {
        if (strcmp(inv->given[i].option->name, "to") != 0)
            continue;
        char *text = ret->text[ret->count];
        int rc = resolve_one(inv, session, inv->given[i].value, text);
        if (rc)
            return rc;
        if (is_listed(ret, text))
            return refuse(inv, ERR_USAGE, inv->given[i].value, "named twice");
        others += strcmp(text, author->origin) != 0;
        ret->to[ret->count++] = span_str(text);
    }
    if (ret->count > 0 && others == 0 && author->role != LOG_LOCAL)
        return refuse(inv, ERR_REFUSED, ret->text[0],
                      "the author alone: name somebody else, or give --keep if its content is to stay on this node");
    return 0;
}

void audience_tell(const struct named_audience *audience, const struct log_info *author)
{
    const char *marking = audience_marking(audience->tlp);
    if (audience->tlp <= TLP_CLEAR || author->role == LOG_LOCAL)
        return;
    if (audience->count == 0 && (audience->tlp != TLP_GREEN || !view_knows_communities())) {
        cli_note("%s stays on this node: others see that something was said, not what", marking);
        return;
    }
    if (audience->count == 0) {
        cli_note("%s: members of our community get its content when their nodes ask; all others see that something was "
                 "said, not what",
                 marking);
        return;
    }
    cli_note("%s: %zu named %s the content when their nodes ask; all others see that something was said, not what",
             marking, audience->count, audience->count == 1 ? "gets" : "get");
}
