/*
 * Key files under a passphrase. DIR/keys/vault holds a random key, encrypted by one that Argon2id (RFC 9106) makes of the
 * passphrase; every key file is encrypted by the random one (XSalsa20-Poly1305, libsodium's secretbox), so another passphrase
 * changes one file. Without DIR/keys/vault key files are plain text, readable by the node's user alone.
 *
 * The passphrase is the systemd credential VAULT_CREDENTIAL, or is asked for. Once a process has it, it keeps the random key in
 * memory until it ends.
 *
 * Text: "tongzhou-vault/1 PASSES MEMORY BASE64(salt) BASE64(nonce, encrypted key)"; an encrypted key file is
 * "tongzhou-locked/1 BASE64(nonce, encrypted text)".
 */
#ifndef TONGZHOU_STATE_VAULT_H
#define TONGZHOU_STATE_VAULT_H

#include "base/buf.h"
#include "base/limits.h"

#define VAULT_CREDENTIAL "passphrase"
#define VAULT_PASSES 3
#define VAULT_MEMORY (64u << 20) /* bytes: 0.2 s here, once a process */

bool vault_is_here(const char *dir);

/* How a passphrase is asked for where there is no credential; NULL: it is not. Before threads begin. */
typedef int (*vault_ask)(char out[PASSWORD_MAX + 1], struct err *err);
void vault_set_ask(vault_ask ask);

/* Is this the text of DIR/keys/vault? ERR_SYNTAX; ERR_LIMIT it asks for more time or memory than is given to it. */
int vault_form(struct span text, struct err *err);

/* Have the key in memory. 0 also without a vault. ERR_VERIFY another passphrase; ERR_USAGE nobody to ask; ERR_SYNTAX. */
int vault_open(const char *dir, struct err *err);

/* A new vault, or the old one's key under another passphrase. ERR_LIMIT, ERR_SYNTAX: no passphrase (state/password.h). */
int vault_create(const char *dir, struct span passphrase, struct err *err);
int vault_change(const char *dir, struct span passphrase, struct err *err);
/* After all key files were written in plain text. ERR_STATE one is locked still, which nobody could open any more. */
int vault_remove(const char *dir, struct err *err);

/* A key file's text, and back. `vault_unlock` takes plain text as it is. */
int vault_lock(const char *dir, struct span plain, struct buf *out, struct err *err);
bool vault_is_locked(struct span text);
int vault_unlock(const char *dir, struct span text, uint8_t *out, size_t max, size_t *ret_len, struct err *err);

#endif
