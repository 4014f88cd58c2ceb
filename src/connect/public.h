/* Which addresses are of the public Internet: a name that somebody else chose may lead anywhere. */
#ifndef TONGZHOU_CONNECT_PUBLIC_H
#define TONGZHOU_CONNECT_PUBLIC_H

#include <stdbool.h>

struct sockaddr;

/* Not of this machine, of a network beside it, of documentation or a test; IPv6 without tunnels to IPv4. */
bool address_is_public(const struct sockaddr *address);

#endif
