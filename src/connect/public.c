#include "connect/public.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

struct net {
    uint32_t net, bits;
};

static bool is_in(uint32_t a, const struct net *nets, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if ((a ^ nets[i].net) >> (32 - nets[i].bits) == 0)
            return true;
    return false;
}

/* IANA's special-purpose IPv4 addresses (RFC 6890 and its registry), multicast and what is behind it. */
static enum address_reach ipv4_reach(uint32_t a)
{
    static const struct net near[] = {{0x00000000, 8}, {0x7F000000, 8}, {0xA9FE0000, 16}};
    static const struct net others[] = {
        {0x0A000000, 8},  {0x64400000, 10}, {0xAC100000, 12}, {0xC0000000, 24}, {0xC0000200, 24}, {0xC0586300, 24},
        {0xC0A80000, 16}, {0xC6120000, 15}, {0xC6336400, 24}, {0xCB007100, 24}, {0xE0000000, 3},
    };
    if (is_in(a, near, sizeof(near) / sizeof(near[0])))
        return ADDRESS_NEAR;
    return is_in(a, others, sizeof(others) / sizeof(others[0])) ? ADDRESS_INSIDE : ADDRESS_PUBLIC;
}

static enum address_reach ipv6_reach(const uint8_t a[16])
{
    static const uint8_t zeros[15], mapped[12] = {[10] = 0xFF, [11] = 0xFF};
    bool link = a[0] == 0xFE && (a[1] & 0xC0) == 0x80;
    if (link || (memcmp(a, zeros, sizeof(zeros)) == 0 && a[15] <= 1))
        return ADDRESS_NEAR;
    if (memcmp(a, mapped, sizeof(mapped)) == 0) { /* dialled as IPv4, and never public by this way */
        uint32_t v4 = (uint32_t)a[12] << 24 | (uint32_t)a[13] << 16 | (uint32_t)a[14] << 8 | a[15];
        return ipv4_reach(v4) == ADDRESS_NEAR ? ADDRESS_NEAR : ADDRESS_INSIDE;
    }
    bool tunnel = a[0] == 0x20 && (a[1] == 0x02 || (a[1] == 0x01 && a[2] < 0x02)); /* 2002::/16, 2001::/23 */
    bool example = (a[0] == 0x20 && a[1] == 0x01 && a[2] == 0x0D && a[3] == 0xB8) ||
                   (a[0] == 0x3F && a[1] == 0xFF && a[2] < 0x10); /* RFC 3849, RFC 9637 */
    return (a[0] & 0xE0) == 0x20 && !tunnel && !example ? ADDRESS_PUBLIC : ADDRESS_INSIDE;
}

enum address_reach address_reach(const struct sockaddr *address)
{
    if (address->sa_family == AF_INET) {
        struct sockaddr_in v4;
        memcpy(&v4, address, sizeof(v4));
        return ipv4_reach(ntohl(v4.sin_addr.s_addr));
    }
    struct sockaddr_in6 v6;
    if (address->sa_family != AF_INET6)
        return ADDRESS_NEAR;
    memcpy(&v6, address, sizeof(v6));
    return ipv6_reach(v6.sin6_addr.s6_addr);
}

bool address_is_public(const struct sockaddr *address)
{
    return address_reach(address) == ADDRESS_PUBLIC;
}

enum address_reach address_text_reach(const char *text)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
    if (inet_pton(AF_INET, text, &v4.sin_addr) == 1)
        return address_reach((const struct sockaddr *)&v4);
    return inet_pton(AF_INET6, text, &v6.sin6_addr) == 1 ? address_reach((const struct sockaddr *)&v6) : ADDRESS_NEAR;
}
