/*
 * Opening what is encrypted to members that live here: the one place that uses the secret halves of their encryption keys.
 * Keys that a member has given up (a move, a recovery) are gone, and so is what was encrypted to them.
 */
#ifndef TONGZHOU_STATE_DECRYPT_H
#define TONGZHOU_STATE_DECRYPT_H

#include "state/keys.h"

struct decrypter;

/* The keys of all members that live on this node; one whose key file is missing has none. ERR_REFUSED as keys_load. */
int decrypter_open(struct store *store, struct decrypter **ret, struct err *err);

/* Keys are wiped. */
void decrypter_close(struct decrypter *decrypter);

/* Which keys these are: another number once a member came, left, or has other keys; never 0. */
int64_t decrypter_mark(const struct decrypter *decrypter);

/* As age_decrypt with all of them: ERR_NOTFOUND for none of them. */
int decrypter_age(const struct decrypter *decrypter, struct span file, struct buf *out, struct err *err);

#endif
