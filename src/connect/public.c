#include "connect/public.h"

#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

/* IANA's special-purpose IPv4 addresses (RFC 6890 and its registry), multicast and what is behind it. */
static bool ipv4_is_public(uint32_t a)
{
    static const struct {
        uint32_t net, bits;
    } others[] = {
        {0x00000000, 8},  {0x0A000000, 8},  {0x64400000, 10}, {0x7F000000, 8},  {0xA9FE0000, 16},
        {0xAC100000, 12}, {0xC0000000, 24}, {0xC0000200, 24}, {0xC0A80000, 16}, {0xC6120000, 15},
        {0xC6336400, 24}, {0xCB007100, 24}, {0xE0000000, 3},
    };
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        if ((a ^ others[i].net) >> (32 - others[i].bits) == 0)
            return false;
    return true;
}

bool address_is_public(const struct sockaddr *address)
{
    if (address->sa_family == AF_INET) {
        struct sockaddr_in v4;
        memcpy(&v4, address, sizeof(v4));
        return ipv4_is_public(ntohl(v4.sin_addr.s_addr));
    }
    struct sockaddr_in6 v6;
    if (address->sa_family != AF_INET6)
        return false;
    memcpy(&v6, address, sizeof(v6));
    const uint8_t *a = v6.sin6_addr.s6_addr;
    bool tunnel = a[0] == 0x20 && (a[1] == 0x02 || (a[1] == 0x01 && a[2] < 0x02)); /* 2002::/16, 2001::/23 */
    bool example = a[0] == 0x20 && a[1] == 0x01 && a[2] == 0x0D && a[3] == 0xB8;
    return (a[0] & 0xE0) == 0x20 && !tunnel && !example;
}
