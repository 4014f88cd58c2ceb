#include "cli/audience.h"

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

static struct publishing_count count_to(const struct invocation *inv)
{
    struct publishing_count found = {0};
    for (int i = 0; i < inv->given_count; i++) {
        if (strcmp(inv->given[i].option->name, "to") != 0)
            continue;
        found.all++;
        found.persons += publishing_is_person(span_str(inv->given[i].value));
    }
    return found;
}

int audience_check(struct invocation *inv, enum tlp tlp)
{
    struct publishing_count named = count_to(inv);
    size_t count = named.all;
    bool keep = cli_flag(inv, "keep");
    if (cli_flag(inv, "local") && count <= AUDIENCE_TO_MAX)
        return keep ? cli_usage(inv, "--keep says nothing with --local: the local log goes nowhere anyway") : 0;
    switch (publishing_check(tlp, named, keep)) {
    case PUBLISHING_RIGHT:
        break;
    case PUBLISHING_TOO_MANY:
        return cli_usage(inv, "%zu of --to, %d allowed: a group names more", count, AUDIENCE_TO_MAX);
    case PUBLISHING_KEPT_AND_NAMED:
        return cli_usage(inv, "--keep and --to exclude each other: what is kept goes to nobody");
    case PUBLISHING_CLEAR_KEPT:
        return cli_usage(inv, "--keep contradicts TLP:CLEAR, which is for everybody");
    case PUBLISHING_CLEAR_NAMED:
        return cli_usage(inv,
                         "--to contradicts TLP:CLEAR, which is for everybody: leave --to out, or mark it green, amber "
                         "or amber+strict");
    case PUBLISHING_RED_MEMBERS:
        return cli_usage(inv,
                         "TLP:RED is for named persons, and no member is a person: --to 'MEMBER PERSON' names one by "
                         "the account on the member's node; amber+strict is for a member and nobody beyond it");
    case PUBLISHING_PERSONS_NOT_RED:
        return cli_usage(inv, "persons are named with TLP:RED alone: --to MEMBER");
    case PUBLISHING_NOBODY:
        return cli_usage(inv,
                         "%s without --to is for nobody: name members, or give --keep if its content is to stay on "
                         "this node",
                         audience_marking(tlp));
    }
    return 0;
}

int audience_resolve(struct invocation *inv, struct session *session, enum tlp tlp, const struct log_info *author,
                     struct named_audience *ret)
{
    int rc = 0;
    ret->tlp = tlp;
    ret->count = 0;
    for (int i = 0; i < inv->given_count && rc == 0; i++)
        if (strcmp(inv->given[i].option->name, "to") == 0)
            rc = publishing_name(&session->view, span_str(inv->given[i].value), cli_flag(inv, "local"), ret, &inv->err);
    if (rc < 0)
        err_in(&inv->err, "--to");
    else
        rc = publishing_check_names(&session->view, ret, cli_flag(inv, "keep"), author, &inv->err);
    return rc == 0 ? 0 : cli_fail(inv);
}

void audience_tell(const struct session *session, const struct named_audience *audience, const struct log_info *author)
{
    const char *marking = audience_marking(audience->tlp);
    struct span origin = span_str(author->origin);
    if (audience->tlp <= TLP_CLEAR || author->role == LOG_LOCAL)
        return;
    if (audience->count == 0 && (audience->tlp != TLP_GREEN || !view_same_community(&session->view, origin, origin))) {
        cli_note("%s stays on this node: others see that something was said, not what", marking);
        return;
    }
    if (audience->count == 0) {
        cli_note(
            "%s: members of our communities get its content when their nodes ask; all others see that something was "
            "said, not what",
            marking);
        return;
    }
    if (audience->tlp == TLP_RED) {
        cli_note(
            "%s: on the pages of their members' nodes %zu named %s its content, when those nodes have asked for it; "
            "all others see that something was said, not what",
            marking, audience->count, audience->count == 1 ? "person sees" : "persons see");
        return;
    }
    cli_note("%s: %zu named %s the content when their nodes ask; all others see that something was said, not what",
             marking, audience->count, audience->count == 1 ? "gets" : "get");
}
