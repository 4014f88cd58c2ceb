/* IPv4 and IPv6 addresses as indicators and logs write them. Part of the sweep; not for other modules. */
#ifndef TONGZHOU_SWEEP_ADDRESS_H
#define TONGZHOU_SWEEP_ADDRESS_H

#include "base/span.h"

#define ADDRESS_TEXT_MAX 64 /* bytes: an IPv6 address is at most 45, "/128" or ":65535" and a NUL behind it */

struct ipv6 {
    uint64_t high, low;
};

/* Bits of a prefix: 0..32 and 0..128; the rest are zero. */
static inline uint32_t ipv4_mask(unsigned bits)
{
    return bits ? UINT32_MAX << (32 - bits) : 0;
}
struct ipv6 ipv6_masked(struct ipv6 address, unsigned bits);

/* ::ffff:a.b.c.d */
static inline bool ipv6_is_mapped(struct ipv6 address)
{
    return address.high == 0 && address.low >> 32 == 0xffff;
}

/* A dotted quad at the beginning of `text`: how many bytes it takes, or 0. No leading zeros, no digit behind it. */
size_t ipv4_begin(struct span text, uint32_t *ret);

/* Exactly an address (RFC 4291 section 2.2, also with an embedded IPv4 address; no zone). */
bool ipv4_parse(struct span text, uint32_t *ret);
bool ipv6_parse(struct span text, struct ipv6 *ret);

/* "ADDRESS" or "ADDRESS/BITS" with BITS 0..32 or 0..128; host bits are cleared. */
bool ipv4_network_parse(struct span text, uint32_t *ret, unsigned *ret_bits);
bool ipv6_network_parse(struct span text, struct ipv6 *ret, unsigned *ret_bits);

/* The same with BITS from 1: what a set can hold. */
bool ipv4_prefix_parse(struct span text, uint32_t *ret, unsigned *ret_bits);
bool ipv6_prefix_parse(struct span text, struct ipv6 *ret, unsigned *ret_bits);

/* "1.2.3.4:443" and "[2001:db8::1]:443", port 1..65535. */
bool ipv4_port_parse(struct span text, uint32_t *ret, unsigned *ret_port);
bool ipv6_port_parse(struct span text, struct ipv6 *ret, unsigned *ret_port);

/* Canonical text (RFC 5952 for IPv6), without "/32" and "/128"; returns its length. */
size_t ipv4_format(uint32_t address, unsigned bits, char out[ADDRESS_TEXT_MAX]);
size_t ipv6_format(struct ipv6 address, unsigned bits, char out[ADDRESS_TEXT_MAX]);

#endif
