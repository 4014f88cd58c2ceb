/* Passwords as Argon2id hashes (RFC 9106, by libsodium), and how much work was done. */
#ifndef TONGZHOU_STATE_PASSWORD_H
#define TONGZHOU_STATE_PASSWORD_H

#include "base/err.h"
#include "base/span.h"

#define PASSWORD_HASH_MAX 128     /* bytes with the end: libsodium's text with salt and parameters */
#define PASSWORD_GENERATED_MAX 32 /* bytes with the end */

/* ERR_LIMIT too short or too long; ERR_SYNTAX not UTF-8 or with control characters; ERR_MEMORY. */
int password_form(struct span password, struct err *err); /* the first two of these errors */
int password_hash(struct span password, char out[PASSWORD_HASH_MAX], struct err *err);

/*
 * Is it this hash's password? NULL: there is no such user; the same work is done, and the answer is no. ERR_MEMORY.
 * What does not have the form of a password costs the same, too.
 */
int password_check(const char *hash, struct span password, bool *ret, struct err *err);

/* Twenty letters and digits in groups of five, without those that look alike: 96 bits. */
void password_generate(char out[PASSWORD_GENERATED_MAX]);

/* How often Argon2id ran in this process. */
uint64_t password_work(void);

#endif
