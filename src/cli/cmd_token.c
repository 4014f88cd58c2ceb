/* tongzhou token add, list, remove: what programs of a user sign in with. audit: what happened. */
#include <sodium.h>

#include "base/when.h"
#include "cli/commands.h"
#include "cli/session.h"
#include "state/users.h"

#define TOKEN_DAYS "90d"

/* ---- add ---- */

static const struct option add_options[] = {
    {"scope", "S", "read, publish, admin, metrics, or some of them with commas (default read)", AT_MOST_ONCE},
    {"expires", "D", "for how long it is good, at most 366d (default " TOKEN_DAYS ")", AT_MOST_ONCE},
    {0},
};

static int note(struct invocation *inv, struct session *session, const char *who)
{
    struct audit_entry entry = {cli_now_ms(), who, "command line", inv->command->name, AUDIT_DONE};
    return audit_add(session->store, &entry, &inv->err) ? cli_fail(inv) : 0;
}

static int add(struct invocation *inv, struct session *session, unsigned scopes, int64_t life_s)
{
    struct user user;
    char token[TOKEN_TEXT + 1], until[WHEN_TEXT_LEN + 1];
    int64_t now_ms = cli_now_ms();
    if (user_find(session->store, span_str(inv->args[0]), &user, &inv->err) ||
        token_add(session->store, &user, span_str(inv->args[1]), scopes, now_ms + life_s * 1000, now_ms, token,
                  &inv->err))
        return cli_fail(inv);
    int status = note(inv, session, user.name);
    if (!status) {
        when_format(now_ms + life_s * 1000, until);
        printf("%s\nShown this once; good until %s. Programs send it as \"Authorization: Bearer ...\", never in an\n"
               "address.\n",
               token, until);
    }
    sodium_memzero(token, sizeof(token));
    return status;
}

static int run_add(struct invocation *inv)
{
    struct session session;
    int64_t life_s;
    const char *words = cli_option(inv, "scope", "read");
    unsigned scopes = scopes_parse(span_str(words));
    if (scopes == 0)
        return cli_usage(inv, "--scope %s: read, publish, admin, metrics, or some of them with commas", words);
    if (!cli_duration_s(inv, cli_option(inv, "expires", TOKEN_DAYS), &life_s))
        return EXIT_USAGE;
    int status = session_open(inv, &session, SESSION_WRITE, OUTLET_CLI_LOG);
    if (!status)
        status = add(inv, &session, scopes, life_s);
    session_close(&session);
    return status;
}

const struct command cmd_token_add = {
    .name = "token add",
    .arguments = "USER NAME",
    .summary = "Let a program act for a user, within scopes and for a time",
    .details = "NAME is for you: what the token is used in. A token may never do more than its user.\n\n"
               "  tongzhou token add li.wei siem --scope read --expires 30d\n",
    .options = add_options,
    .min_args = 2,
    .max_args = 2,
    .run = run_add,
};

/* ---- list ---- */

static int print_token(void *ctx, const struct token_info *token, struct err *err)
{
    char until[WHEN_TEXT_LEN + 1], used[WHEN_TEXT_LEN + 1] = "never", scopes[SCOPES_TEXT_MAX];
    (void)err;
    ++*(unsigned *)ctx;
    scopes_format(token->scopes, scopes);
    when_format(token->expires_ms, until);
    if (token->used_ms > 0)
        when_format(token->used_ms, used);
    cli_put_column(stdout, span_str(token->user), 20);
    fputc(' ', stdout);
    cli_put_column(stdout, span_str(token->name), 20);
    printf(" %-18s until %.19s, used %.19s%s\n", scopes, until, used,
           token->expires_ms <= cli_now_ms() ? ", EXPIRED" : "");
    return 0;
}

static int run_list(struct invocation *inv)
{
    struct session session;
    struct user user = {0};
    unsigned count = 0;
    int status = session_open(inv, &session, 0, OUTLET_CLI_LOG);
    if (!status && inv->arg_count > 0 && user_find(session.store, span_str(inv->args[0]), &user, &inv->err))
        status = cli_fail(inv);
    if (!status && token_each(session.store, user.number, print_token, &count, &inv->err))
        status = cli_fail(inv);
    if (!status && count == 0)
        puts("no tokens: tongzhou token add USER NAME");
    session_close(&session);
    return status;
}

const struct command cmd_token_list = {
    .name = "token list",
    .arguments = "[USER]",
    .summary = "List tokens, what they are for and when they were used",
    .max_args = 1,
    .run = run_list,
};

/* ---- remove ---- */

static int run_remove(struct invocation *inv)
{
    struct session session;
    struct user user;
    int status = session_open(inv, &session, SESSION_WRITE, OUTLET_CLI_LOG);
    if (!status && (user_find(session.store, span_str(inv->args[0]), &user, &inv->err) ||
                    token_remove(session.store, user.number, span_str(inv->args[1]), &inv->err)))
        status = cli_fail(inv);
    if (!status)
        status = note(inv, &session, user.name);
    session_close(&session);
    if (!status)
        printf("This token of %s is good for nothing any more.\n", user.name);
    return status;
}

const struct command cmd_token_remove = {
    .name = "token remove",
    .arguments = "USER NAME",
    .summary = "Revoke a token",
    .min_args = 2,
    .max_args = 2,
    .run = run_remove,
};

/* ---- audit ---- */

static const struct option audit_options[] = {
    {"since", "T", "from then on (default: all that is kept)", AT_MOST_ONCE},
    {0},
};

static int print_entry(void *ctx, const struct audit_entry *entry, struct err *err)
{
    char time[WHEN_TEXT_LEN + 1];
    (void)ctx;
    (void)err;
    when_format(entry->time_ms, time);
    printf("%.19sZ ", time);
    cli_put_column(stdout, span_str(entry->who[0] ? entry->who : "-"), 20);
    fputc(' ', stdout);
    cli_put_column(stdout, span_str(entry->address), 16);
    fputc(' ', stdout);
    cli_put_column(stdout, span_str(entry->what), 18);
    fputc(' ', stdout);
    cli_put_text(stdout, span_str(entry->result), 200);
    fputc('\n', stdout);
    return 0;
}

static int run_audit(struct invocation *inv)
{
    struct session session;
    int64_t since_ms = 0;
    const char *since = cli_option(inv, "since", NULL);
    if (since && !cli_time_ms(inv, since, &since_ms))
        return EXIT_USAGE;
    int status = session_open(inv, &session, 0, OUTLET_CLI_LOG);
    if (!status && audit_each(session.store, since_ms, print_entry, NULL, &inv->err))
        status = cli_fail(inv);
    session_close(&session);
    return status;
}

const struct command cmd_audit = {
    .name = "audit",
    .arguments = "",
    .summary = "Show who signed in or tried to, and what was changed about users",
    .details =
        "When, whose account, from where, what, and how it ended. A name that is no user's stands as '-': people\n"
        "type passwords into the wrong field. The newest 100,000 entries are kept.\n",
    .options = audit_options,
    .max_args = 0,
    .run = run_audit,
};
