/* tongzhou user add, list, remove, role, password, totp, lock, unlock: who may sign in on this node. */
#include <sodium.h>

#include "base/random.h"
#include "base/when.h"
#include "cli/commands.h"
#include "cli/password.h"
#include "cli/session.h"
#include "record/audience.h"
#include "state/password.h"
#include "state/totp.h"
#include "state/users.h"

#define ROLE_WORDS "reader, analyst, publisher or administrator"
#define ROLES_EXPLAINED                                                                                                \
    "  reader         reads what is not for everybody; of TLP:RED what names this very person\n"                       \
    "  analyst        also searches in it and sweeps files for it\n"                                                   \
    "  publisher      also publishes under the operator's name\n"                                                      \
    "  administrator  also sees users and the trail, and locks and unlocks them\n"

/* ---- what each begins and ends with ---- */

struct change {
    struct session session;
    struct user user;
};

static int begin(struct invocation *inv, struct change *change, bool find)
{
    int status = session_open(inv, &change->session, SESSION_WRITE, OUTLET_CLI_LOG);
    if (!status && find && user_find(change->session.store, span_str(inv->args[0]), &change->user, &inv->err))
        status = cli_fail(inv);
    return status;
}

/* The trail says what the command line did, too: `who` is whom it was done to. */
static int end(struct invocation *inv, struct change *change, int status)
{
    if (!status) {
        struct audit_entry entry = {cli_now_ms(), change->user.name, "command line", inv->command->name, AUDIT_DONE};
        if (audit_add(change->session.store, &entry, &inv->err))
            status = cli_fail(inv);
    }
    session_close(&change->session);
    return status;
}

static int read_role(struct invocation *inv, const char *word, enum role *ret)
{
    *ret = role_parse(span_str(word));
    return *ret == ROLE_NONE ? cli_usage(inv, "role %s: must be " ROLE_WORDS, word) : 0;
}

/* ---- add ---- */

static const struct option add_options[] = {
    {"role", "R", ROLE_WORDS, ONCE},
    {"member", "MEMBER", "whose person it is: a member that lives on this node (default: the operator)", AT_MOST_ONCE},
    PASSWORD_OPTIONS,
    {"no-password", NULL, "none at all: for who signs in at a provider (user bind) or by a proxy", AT_MOST_ONCE},
    {0},
};

/* A drawn one that nobody is told: then only who is let in otherwise gets in. */
static int ask_password(struct invocation *inv, const char *name, char out[PASSWORD_MAX + 1])
{
    if (!cli_flag(inv, "no-password"))
        return password_ask(inv, name, out);
    if (cli_flag(inv, "password-stdin") || cli_flag(inv, "generate"))
        return cli_usage(inv, "--no-password and --password-stdin or --generate exclude each other");
    password_generate(out);
    return 0;
}

/* Both at once, or a person of one member could see for a moment what is for that of another. */
static int add(struct store *store, struct span name, enum role role, struct span password, struct span member,
               struct user *ret, struct err *err)
{
    struct log_info log = {0};
    int rc = member.len > 0 ? store_log_find(store, member, &log, err) : 0;
    if (rc == 0)
        rc = store_begin(store, err);
    if (rc < 0)
        return rc;
    rc = user_add(store, name, role, password, cli_now_ms(), ret, err);
    if (rc == 0 && member.len > 0)
        rc = user_set_member(store, ret->number, span_str(log.origin), err);
    if (rc == 0)
        return store_commit(store, err);
    store_rollback(store);
    return rc;
}

static int run_add(struct invocation *inv)
{
    struct change change = {0};
    char password[PASSWORD_MAX + 1];
    enum role role = ROLE_NONE;
    const char *word = cli_option(inv, "role", NULL), *name = inv->args[0];
    if (!word)
        return cli_usage(inv, "--role is needed: " ROLE_WORDS);
    int status = read_role(inv, word, &role);
    if (!status && !user_name_valid(span_str(name)))
        status = cli_usage(inv, "a user's name is 1 to %d of a-z, 0-9 and . _ - @, and begins with a letter or digit",
                           USER_NAME_MAX);
    if (!status)
        status = ask_password(inv, name, password);
    if (status)
        return status;
    status = begin(inv, &change, false);
    if (!status && add(change.session.store, span_str(name), role, span_str(password),
                       span_str(cli_option(inv, "member", "")), &change.user, &inv->err))
        status = cli_fail(inv);
    status = end(inv, &change, status);
    if (!status) {
        printf("%s may sign in as %s now.\n", name, role_word(role));
        password_show(inv, password);
    }
    sodium_memzero(password, sizeof(password));
    return status;
}

const struct command cmd_user_add = {
    .name = "user add",
    .arguments = "NAME",
    .summary = "Let somebody sign in on this node's pages",
    .details = ROLES_EXPLAINED
    "\nThe password is asked for at the terminal unless told otherwise; 10 bytes at least.\n\n"
    "What is TLP:RED for MEMBER and NAME, said by whomever, is for whoever signs in as NAME and is a\n"
    "person of that member: give a name to nobody else than it was given to before.\n\n"
    "  tongzhou user add li.wei --role analyst --generate\n"
    "  tongzhou user add wang --member guest.example --role reader --generate\n",
    .options = add_options,
    .min_args = 1,
    .max_args = 1,
    .run = run_add,
};

/* ---- list ---- */

static int print_user(void *ctx, const struct user *user, struct err *err)
{
    char made[WHEN_TEXT_LEN + 1];
    (void)err;
    ++*(unsigned *)ctx;
    when_format(user->made_ms, made);
    char member[ORIGIN_MAX + 1];
    origin_short(span_str(user->member), member);
    cli_put_column(stdout, span_str(user->name), 24);
    printf(" %-14s since %.10s%s%s, of ", role_word(user->role), made, user->has_totp ? ", one-time codes" : "",
           user->locked ? ", LOCKED" : "");
    cli_put_text(stdout, span_str(member), ORIGIN_MAX);
    putchar('\n');
    return 0;
}

#define WAITING_SHOWN 100

static int print_waiting(void *ctx, struct span person, struct err *err)
{
    char name[RECORD_LINE_MAX + 1];
    (void)err;
    if ((*(unsigned *)ctx)++ == 0)
        puts("Something that is TLP:RED waits for these, who have no account here:");
    audience_short(person, name);
    fputs("  ", stdout);
    cli_put_text(stdout, span_str(name), RECORD_LINE_MAX);
    putchar('\n');
    return 0;
}

static int run_list(struct invocation *inv)
{
    struct session session;
    unsigned count = 0, waiting = 0;
    int status = session_open(inv, &session, SESSION_INDEX, OUTLET_CLI_LOG);
    if (!status && user_each(session.store, print_user, &count, &inv->err))
        status = cli_fail(inv);
    if (!status && count == 0)
        puts("no users yet: tongzhou user add NAME --role R");
    if (!status && view_persons_waiting(&session.view, WAITING_SHOWN, print_waiting, &waiting, &inv->err))
        status = cli_fail(inv);
    session_close(&session);
    return status;
}

const struct command cmd_user_list = {
    .name = "user list",
    .arguments = "",
    .summary = "List who may sign in, as what, and for whom without an account something waits",
    .max_args = 0,
    .run = run_list,
};

/* ---- remove, lock, unlock ---- */

static int run_remove(struct invocation *inv)
{
    struct change change = {0};
    int status = begin(inv, &change, true);
    if (!status && user_remove(change.session.store, change.user.number, &inv->err))
        status = cli_fail(inv);
    status = end(inv, &change, status);
    if (!status)
        printf("%s is no user any more; sessions and tokens are gone, the trail stays.\n", change.user.name);
    return status;
}

const struct command cmd_user_remove = {
    .name = "user remove",
    .arguments = "NAME",
    .summary = "Remove a user, with sessions and tokens",
    .min_args = 1,
    .max_args = 1,
    .run = run_remove,
};

static int set_locked(struct invocation *inv, bool locked)
{
    struct change change = {0};
    int status = begin(inv, &change, true);
    if (!status && user_set_locked(change.session.store, change.user.number, locked, &inv->err))
        status = cli_fail(inv);
    status = end(inv, &change, status);
    if (!status)
        printf(locked ? "%s is locked: sessions are ended, tokens are good for nothing until it is unlocked.\n"
                      : "%s may sign in again.\n",
               change.user.name);
    return status;
}

static int run_lock(struct invocation *inv)
{
    return set_locked(inv, true);
}

static int run_unlock(struct invocation *inv)
{
    return set_locked(inv, false);
}

const struct command cmd_user_lock = {
    .name = "user lock",
    .arguments = "NAME",
    .summary = "Keep a user out for now, and end its sessions",
    .min_args = 1,
    .max_args = 1,
    .run = run_lock,
};

const struct command cmd_user_unlock = {
    .name = "user unlock",
    .arguments = "NAME",
    .summary = "Let a locked user in again",
    .min_args = 1,
    .max_args = 1,
    .run = run_unlock,
};

/* ---- role ---- */

static int run_role(struct invocation *inv)
{
    struct change change = {0};
    enum role role = ROLE_NONE;
    int status = read_role(inv, inv->args[1], &role);
    if (status)
        return status;
    status = begin(inv, &change, true);
    if (!status && user_set_role(change.session.store, change.user.number, role, &inv->err))
        status = cli_fail(inv);
    status = end(inv, &change, status);
    if (!status)
        printf("%s is %s now, in open sessions, too.\n", change.user.name, role_word(role));
    return status;
}

const struct command cmd_user_role = {
    .name = "user role",
    .arguments = "NAME R",
    .summary = "Give a user another role",
    .details = ROLES_EXPLAINED,
    .min_args = 2,
    .max_args = 2,
    .run = run_role,
};

/* ---- password ---- */

static const struct option password_options[] = {
    PASSWORD_OPTIONS,
    {0},
};

static int run_password(struct invocation *inv)
{
    struct change change = {0};
    char password[PASSWORD_MAX + 1];
    int status = password_ask(inv, inv->args[0], password);
    if (status)
        return status;
    status = begin(inv, &change, true);
    if (!status && user_set_password(change.session.store, change.user.number, span_str(password), &inv->err))
        status = cli_fail(inv);
    status = end(inv, &change, status);
    if (!status) {
        printf("%s has a new password; its sessions are ended.\n", change.user.name);
        password_show(inv, password);
    }
    sodium_memzero(password, sizeof(password));
    return status;
}

const struct command cmd_user_password = {
    .name = "user password",
    .arguments = "NAME",
    .summary = "Give a user a new password, and end its sessions",
    .options = password_options,
    .min_args = 1,
    .max_args = 1,
    .run = run_password,
};

/* ---- totp ---- */

static const struct option totp_options[] = {
    {"off", NULL, "ask for no codes any more", AT_MOST_ONCE},
    {0},
};

static int new_secret(struct invocation *inv, struct change *change, struct buf *uri)
{
    struct log_info log;
    uint8_t secret[TOTP_SECRET];
    random_bytes(secret, sizeof(secret));
    struct span bytes = span_of(secret, sizeof(secret));
    int status = 0;
    if (store_operator(change->session.store, &log, &inv->err) ||
        user_set_totp(change->session.store, change->user.number, bytes, &inv->err))
        status = cli_fail(inv);
    else
        totp_uri(bytes, span_of(log.origin, strcspn(log.origin, "/")), span_str(change->user.name), uri);
    sodium_memzero(secret, sizeof(secret));
    return status;
}

static int run_totp(struct invocation *inv)
{
    struct change change = {0};
    struct buf uri;
    bool off = cli_flag(inv, "off");
    buf_init(&uri, 2048);
    int status = begin(inv, &change, true);
    if (!status && off && user_set_totp(change.session.store, change.user.number, SPAN_LIT(""), &inv->err))
        status = cli_fail(inv);
    if (!status && !off)
        status = new_secret(inv, &change, &uri);
    status = end(inv, &change, status);
    if (!status && off)
        printf("%s is asked for no code any more; its sessions are ended.\n", change.user.name);
    else if (!status)
        printf("%s\nGive this to %s's authenticator program; it is shown this once. Signing in needs its codes now, "
               "and open\n"
               "sessions are ended.\n",
               buf_cstr(&uri), change.user.name);
    buf_done(&uri);
    return status;
}

const struct command cmd_user_totp = {
    .name = "user totp",
    .arguments = "NAME",
    .summary = "Ask a user for one-time codes when signing in (RFC 6238)",
    .details = "Shows the address that an authenticator program takes. A further call makes a new secret.\n",
    .options = totp_options,
    .min_args = 1,
    .max_args = 1,
    .run = run_totp,
};
