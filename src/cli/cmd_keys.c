/* tongzhou keys encrypt, decrypt, passphrase: key files under a passphrase, or in plain text again. */
#include <sodium.h>

#include "cli/commands.h"
#include "cli/password.h"
#include "cli/session.h"
#include "node/serving.h"
#include "state/keys.h"
#include "state/vault.h"

#define NEW_CREDENTIAL "new-passphrase"

/* A running node has no terminal to be asked at: it would sign nothing more. */
static int begin(struct invocation *inv, struct session *session)
{
    if (serving_is(inv->dir)) {
        err_set(&inv->err, ERR_STATE, "%s: a node runs on this folder: stop it first", inv->dir);
        return cli_fail(inv);
    }
    return session_open(inv, session, SESSION_WRITE, OUTLET_CLI_LOG);
}

struct rewriting {
    const char *dir;
    bool locks;
    unsigned count;
};

static int rewrite(void *ctx, const struct log_info *log, struct err *err)
{
    struct rewriting *rewriting = ctx;
    struct err missing = {0};
    if (log->role != LOG_OWN && log->role != LOG_LOCAL && log->role != LOG_MOVED)
        return 0;
    int rc = keys_rewrite(rewriting->dir, span_str(log->origin), rewriting->locks, &missing);
    if (rc == ERR_NOTFOUND)
        return 0;
    rewriting->count += rc == 0;
    return rc ? err_set(err, rc, "%s", missing.text) : 0;
}

static int rewrite_all(struct invocation *inv, struct session *session, bool locks, unsigned *ret)
{
    struct rewriting rewriting = {.dir = inv->dir, .locks = locks};
    int rc = store_logs(session->store, rewrite, &rewriting, &inv->err);
    *ret = rewriting.count;
    return rc;
}

/* One that is there already was cut off: what is still in plain text is encrypted now. */
static int make_vault(struct invocation *inv)
{
    char passphrase[PASSWORD_MAX + 1];
    if (vault_is_here(inv->dir))
        return vault_open(inv->dir, &inv->err);
    int rc = password_new_of_keys(VAULT_CREDENTIAL, passphrase, &inv->err);
    if (!rc)
        rc = vault_create(inv->dir, span_str(passphrase), &inv->err);
    sodium_memzero(passphrase, sizeof(passphrase));
    return rc;
}

static int run_encrypt(struct invocation *inv)
{
    struct session session = {0};
    unsigned count = 0;
    int status = begin(inv, &session);
    if (!status && (make_vault(inv) || rewrite_all(inv, &session, true, &count)))
        status = cli_fail(inv);
    session_close(&session);
    if (!status)
        printf("%u key files are under a passphrase now. Nobody can replace it but who has a recovery key.\n", count);
    return status;
}

const struct command cmd_keys_encrypt = {
    .name = "keys encrypt",
    .arguments = "",
    .summary = "Put the secret keys under a passphrase",
    .details =
        "It is asked for, here and whenever a command signs or opens something, once by `serve` when it starts; or\n"
        "it is the systemd credential `passphrase` (LoadCredential=), a file below $CREDENTIALS_DIRECTORY.\n"
        "Backups hold the keys as they are: under the passphrase. Stop the node first.\n",
    .max_args = 0,
    .run = run_encrypt,
};

static int run_decrypt(struct invocation *inv)
{
    struct session session = {0};
    unsigned count = 0;
    int status = begin(inv, &session);
    if (!status && !vault_is_here(inv->dir)) {
        err_set(&inv->err, ERR_STATE, "%s: the keys are not under a passphrase", inv->dir);
        status = cli_fail(inv);
    }
    if (!status && (vault_open(inv->dir, &inv->err) || rewrite_all(inv, &session, false, &count) ||
                    vault_remove(inv->dir, &inv->err)))
        status = cli_fail(inv);
    session_close(&session);
    if (!status)
        printf("%u key files are plain text now, readable by the node's user alone.\n", count);
    return status;
}

const struct command cmd_keys_decrypt = {
    .name = "keys decrypt",
    .arguments = "",
    .summary = "Take the passphrase off the secret keys",
    .max_args = 0,
    .run = run_decrypt,
};

static int run_passphrase(struct invocation *inv)
{
    struct session session = {0};
    char passphrase[PASSWORD_MAX + 1] = "";
    int status = begin(inv, &session);
    if (!status && (vault_open(inv->dir, &inv->err) || password_new_of_keys(NEW_CREDENTIAL, passphrase, &inv->err) ||
                    vault_change(inv->dir, span_str(passphrase), &inv->err)))
        status = cli_fail(inv);
    sodium_memzero(passphrase, sizeof(passphrase));
    session_close(&session);
    if (!status)
        puts("The keys are under the new passphrase. Backups made before are under the old one.");
    return status;
}

const struct command cmd_keys_passphrase = {
    .name = "keys passphrase",
    .arguments = "",
    .summary = "Give the secret keys another passphrase",
    .details = "Asked for, or the credential `new-passphrase`.\n",
    .max_args = 0,
    .run = run_passphrase,
};
