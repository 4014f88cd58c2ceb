/* One-time codes by the clock (RFC 6238): HMAC-SHA-1, steps of 30 seconds, six digits, as authenticator programs expect. */
#ifndef TONGZHOU_STATE_TOTP_H
#define TONGZHOU_STATE_TOTP_H

#include "base/buf.h"

#define TOTP_STEP_S 30
#define TOTP_DIGITS 6
#define TOTP_SECRET 20 /* bytes; RFC 4226 section 4, R6 */
#define TOTP_OFF 1     /* steps that a clock may be off */

/* The code of a step as text with leading zeros; `digits` 6 to 8. */
void totp_code(struct span secret, uint64_t step, unsigned digits, char out[9]);

/*
 * Which step's code is this, one at most TOTP_OFF from now and later than `used`, the last that was accepted? 0: none, or
 * not six digits. All steps are compared, in the same time whatever they are.
 */
uint64_t totp_check(struct span secret, struct span code, int64_t now_ms, uint64_t used);

/* "otpauth://totp/..." for an authenticator program; the names are percent-encoded. */
void totp_uri(struct span secret, struct span issuer, struct span user, struct buf *out);

#endif
