/*
 * Secret keys: DIR/keys/HEX.key (HEX: hash of the origin), mode 0600 in a folder 0700. Text, a line each:
 *   origin NAME/H
 *   log BASE64(seed)            the log key in force
 *   log-next BASE64(seed)       while a rotation is under way: becomes `log` once the rotated head is committed
 *   cosigner, request, encryption BASE64(seed)
 *   cosigner-next, request-next, encryption-next BASE64(seed)
 *                               while a profile that names them is under way: all three or none
 * Under a passphrase that text is encrypted: state/vault.h.
 * Written to a new file, synced, renamed. The recovery key never stands here: it goes to a file of its own that the
 * operator takes away (line `tongzhou-recovery ORIGIN-OR-NAME BASE64(seed)`).
 */
#ifndef TONGZHOU_STATE_KEYS_H
#define TONGZHOU_STATE_KEYS_H

#include "state/store.h"

struct keys {
    char origin[ORIGIN_MAX + 1];
    uint8_t log_seed[32], next_seed[32], cosigner_seed[32], request_seed[32], encryption_seed[32];
    uint8_t cosigner_next[32], request_next[32], encryption_next[32];
    bool has_next, has_others_next;
};

void keys_make(struct keys *out); /* fresh random seeds, no origin, no next */
void keys_wipe(struct keys *keys);
int keys_save(const char *dir, const struct keys *keys, struct err *err);
int keys_load(const char *dir, struct span origin, struct keys *out,
              struct err *err); /* ERR_NOTFOUND; ERR_REFUSED others may read it */
/* The file anew, locked or in plain text (state/vault.h); what it held before is overwritten. */
int keys_rewrite(const char *dir, struct span origin, bool locks, struct err *err);
int keys_remove(const char *dir, struct span origin, struct err *err); /* overwritten, then unlinked */

/* The file's text, for a member's luggage; parse is strict. */
void keys_format(const struct keys *keys, struct buf *out);
int keys_parse(struct span text, struct keys *out, struct err *err);

/* Public halves into a profile. Encryption is X25519. */
void keys_publish(const struct keys *keys, struct profile *out);

/* The keys that were next are the keys now, and none is next. */
void keys_promote_log(struct keys *keys);
void keys_promote_others(struct keys *keys);

/* Recovery key files. `path` must not exist. */
int recovery_create(const char *path, struct span name, uint8_t ret_public[32], struct err *err);
int recovery_load(const char *path, uint8_t ret_seed[32], struct err *err);

#endif
