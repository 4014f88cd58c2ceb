/* tongzhou user bind, unbind: whose account it is at the provider that signs people in (serve --oidc). */
#include "cli/commands.h"
#include "cli/session.h"
#include "state/users.h"

static int open_user(struct invocation *inv, struct session *session, struct user *user)
{
    int status = session_open(inv, session, SESSION_WRITE, OUTLET_CLI_LOG);
    if (!status && user_find(session->store, span_str(inv->args[0]), user, &inv->err))
        status = cli_fail(inv);
    return status;
}

static int note(struct invocation *inv, struct session *session, const struct user *user, const char *result)
{
    struct audit_entry entry = {cli_now_ms(), user->name, "command line", inv->command->name, result};
    return audit_add(session->store, &entry, &inv->err) ? cli_fail(inv) : 0;
}

static int print_identity(void *ctx, const char *issuer, const char *subject, struct err *err)
{
    (void)ctx;
    (void)err;
    cli_put_column(stdout, span_str(issuer), 40);
    fputc(' ', stdout);
    cli_put_text(stdout, span_str(subject), IDENTITY_SUBJECT_MAX);
    fputc('\n', stdout);
    return 0;
}

static int run_bind(struct invocation *inv)
{
    struct session session;
    struct user user;
    bool lists = inv->arg_count == 1;
    if (inv->arg_count == 2)
        return cli_usage(inv, "NAME ISSUER SUBJECT are needed, or NAME to list what is bound to it");
    int status = open_user(inv, &session, &user);
    if (!status && lists)
        status = identity_each(session.store, user.number, print_identity, NULL, &inv->err) ? cli_fail(inv) : 0;
    else if (!status &&
             identity_bind(session.store, user.number, span_str(inv->args[1]), span_str(inv->args[2]), &inv->err))
        status = cli_fail(inv);
    if (!status && !lists)
        status = note(inv, &session, &user, AUDIT_DONE);
    session_close(&session);
    if (!status && !lists)
        printf("Whom the provider knows by this subject signs in as %s.\n", user.name);
    return status;
}

const struct command cmd_user_bind = {
    .name = "user bind",
    .arguments = "NAME [ISSUER SUBJECT]",
    .summary = "Say who a user is at an OpenID Connect provider (serve --oidc)",
    .details =
        "ISSUER is the provider's address as given to `serve --oidc`; SUBJECT is what it calls the person: whoever\n"
        "signs in there and is nobody here yet is shown it, and `tongzhou audit` has it. Without both, those that\n"
        "are bound are listed.\n\n"
        "  tongzhou user bind li.wei https://sso.example.org 248289761001\n",
    .min_args = 1,
    .max_args = 3,
    .run = run_bind,
};

static int run_unbind(struct invocation *inv)
{
    struct session session;
    struct user user;
    unsigned count = 0;
    int status = open_user(inv, &session, &user);
    if (!status && identity_unbind(session.store, user.number, &count, &inv->err))
        status = cli_fail(inv);
    if (!status)
        status = note(inv, &session, &user, AUDIT_DONE);
    session_close(&session);
    if (!status)
        printf("%u forgotten; %s signs in there no more, and open sessions are ended.\n", count, user.name);
    return status;
}

const struct command cmd_user_unbind = {
    .name = "user unbind",
    .arguments = "NAME",
    .summary = "Forget who a user is at a provider, and end its sessions",
    .min_args = 1,
    .max_args = 1,
    .run = run_unbind,
};
