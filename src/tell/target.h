/*
 * Where notices are told, as an operator writes it. Pure.
 *
 *   https://HOST[:PORT]/...   a hook; http:// as well, if it may be inside
 *   mailto:LOCAL@DOMAIN       a mail address
 *   local, unix:/PATH         the system log of this machine: /dev/log, or another socket file
 *   udp://, tcp://, tls://HOST:PORT   a system log elsewhere
 */
#ifndef TONGZHOU_TELL_TARGET_H
#define TONGZHOU_TELL_TARGET_H

#include "state/tellers.h"

enum target_way {
    TARGET_HTTP,
    TARGET_MAIL,
    TARGET_FILE,
    TARGET_UDP,
    TARGET_TCP,
    TARGET_TLS,
    TARGET_SMTP,
    TARGET_SMTPS
};

#define TARGET_HOST_MAX 255 /* characters of a DNS name */

struct target {
    enum target_way way;
    char host[TARGET_HOST_MAX + 1], path[108]; /* path: of a socket file, as struct sockaddr_un has room for */
    uint16_t port;                             /* 0: none was named */
};

enum teller_kind target_kind(const struct target *target);

/* ERR_USAGE says what it has to look like. `out`: the one form that it is stored in. */
int target_parse(struct span text, bool inside, struct target *ret, char out[PEER_URL_MAX + 1], struct err *err);

/* smtp:// or smtps://HOST[:PORT]. */
int target_parse_server(struct span text, struct target *ret, struct err *err);

/* The TCP port that has to be connected to; 0: none. */
uint16_t target_port(const struct target *target);

/* ADDRESS: ASCII, a dot-atom and a domain, so that no header can be made of it (RFC 5321 section 4.1.2). */
bool mail_address_valid(struct span address);

#endif
