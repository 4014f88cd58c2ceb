/*
 * Telling notices outside of the node (state/tellers.h): each that is due gets what it does not have yet, in order, in one go,
 * by the way of its kind. What it took is written down afterwards, so that nothing is lost by a crash in between; it comes
 * twice then, with the same ids.
 *
 *   hook    POST of JSON, signed by the operator's request key (RFC 9421) with a digest of the content (RFC 9530)
 *   mail    a plain text of lines (RFC 5322, 2045, 2047, 3834), by SMTP (RFC 5321) with STARTTLS (RFC 3207) or TLS
 *   syslog  RFC 5424, a line each: a socket file, UDP, TCP with octet counting (RFC 6587), TLS (RFC 5425)
 *
 * What goes over the network has a thread of its own each and TELL_TOTAL_MS: one that is slow holds neither the store nor
 * others. The thread of the desk alone reads and writes the store.
 *
 * Addresses that are not of the public Internet are dialled only for those that were added as inside. That is decided by the
 * address that is dialled, when it is dialled, so that no name can be made to lead elsewhere later. No redirect is followed.
 */
#ifndef TONGZHOU_TELL_TELL_H
#define TONGZHOU_TELL_TELL_H

#include "state/tellers.h"

#define TELL_AT_ONCE 100    /* notices; of mail TELL_LINES_MAX */
#define TELL_LINES_MAX 300  /* lines of one mail; how many more there are it says */
#define TELL_TOTAL_MS 15000 /* for one that does not answer */
#define TELL_SECRET_MAX 512 /* bytes of a bearer's: a line of an HTTP header has room for it */
#define TELL_BODY_MAX (512u << 10)

struct tell_desk;
int tell_desk_new(struct tell_desk **ret, struct err *err);

/*
 * Note what came of what was sent, send what is due. Never waits for a receiver. A failure of theirs is written down for the
 * next time; what is returned is a failure of ours.
 */
int tell_round(struct tell_desk *desk, struct store *store, int64_t now_ms, struct err *err);

/* Cut off what is under way, note what was taken; the desk is gone in any case. */
int tell_desk_close(struct tell_desk *desk, struct store *store, int64_t now_ms, struct err *err);

/* Something harmless, at once, which is not noted. Whatever is wrong. */
int tell_test(struct store *store, const struct teller *teller, int64_t now_ms, struct err *err);

/* When a mail that is collected for so long goes out next: the hour, or six in the morning, UTC. */
int64_t tell_next_due(int64_t every_s, int64_t now_ms);

/* The TCP ports that are to be connected to, for the sandbox; at most `max`. */
int tell_ports(struct store *store, uint16_t *out, size_t max, size_t *ret_count, struct err *err);

#endif
