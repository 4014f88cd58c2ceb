/* Which addresses are of the public Internet: a name that somebody else chose may lead anywhere. */
#ifndef TONGZHOU_CONNECT_PUBLIC_H
#define TONGZHOU_CONNECT_PUBLIC_H

#include <stdbool.h>

struct sockaddr;

enum address_reach {
    ADDRESS_NEAR,   /* this machine, or what its link alone reaches: loopback, link-local, none */
    ADDRESS_INSIDE, /* a network beside it, documentation, a test, multicast, tunnels to IPv4 */
    ADDRESS_PUBLIC,
};

enum address_reach address_reach(const struct sockaddr *address);
bool address_is_public(const struct sockaddr *address);
/* Of an address as text; what is none is near. */
enum address_reach address_text_reach(const char *text);

#endif
