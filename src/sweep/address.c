#include "sweep/address.h"

#include <stdio.h>

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

/* Decimal of 1 to 3 digits up to 255 at *pos, without leading zeros; passes it. */
static bool octet(struct span text, size_t *pos, uint32_t *ret)
{
    size_t start = *pos;
    uint32_t value = 0;
    while (*pos < text.len && *pos - start < 3 && is_digit(text.data[*pos]))
        value = value * 10 + (uint32_t)(text.data[(*pos)++] - '0');
    size_t digits = *pos - start;
    *ret = value;
    return digits > 0 && value <= 255 && (digits == 1 || text.data[start] != '0');
}

size_t ipv4_begin(struct span text, uint32_t *ret)
{
    uint32_t address = 0;
    size_t pos = 0;
    for (int i = 0; i < 4; i++) {
        uint32_t value;
        if (i > 0 && (pos >= text.len || text.data[pos++] != '.'))
            return 0;
        if (!octet(text, &pos, &value))
            return 0;
        address = address << 8 | value;
    }
    if (pos < text.len && is_digit(text.data[pos]))
        return 0;
    *ret = address;
    return pos;
}

bool ipv4_parse(struct span text, uint32_t *ret)
{
    uint32_t address;
    if (text.len == 0 || ipv4_begin(text, &address) != text.len)
        return false;
    *ret = address;
    return true;
}

static int hex_value(uint8_t c)
{
    if (is_digit(c))
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* One to four hex digits at *pos; passes them. */
static bool hex_group(struct span text, size_t *pos, uint16_t *ret)
{
    unsigned value = 0;
    size_t start = *pos;
    while (*pos < text.len && *pos - start < 4 && hex_value(text.data[*pos]) >= 0)
        value = value << 4 | (unsigned)hex_value(text.data[(*pos)++]);
    *ret = (uint16_t)value;
    return *pos > start;
}

/* Groups as written; `gap` is where "::" stood, or -1. False on a syntax error. */
static bool ipv6_groups(struct span text, uint16_t groups[8], int *ret_count, int *ret_gap)
{
    int count = 0, gap = -1;
    size_t pos = 0;
    if (text.len >= 2 && text.data[0] == ':' && text.data[1] == ':') {
        gap = 0;
        pos = 2;
    }
    while (pos < text.len) {
        uint32_t quad;
        if (count == 8)
            return false;
        if (count <= 6 && ipv4_parse(span_sub(text, pos, text.len), &quad)) {
            groups[count++] = (uint16_t)(quad >> 16);
            groups[count++] = (uint16_t)quad;
            break;
        }
        if (!hex_group(text, &pos, &groups[count++]))
            return false;
        if (pos == text.len)
            break;
        if (text.data[pos++] != ':' || pos == text.len)
            return false;
        if (text.data[pos] == ':') {
            if (gap >= 0)
                return false;
            gap = count;
            pos++;
        }
    }
    *ret_count = count;
    *ret_gap = gap;
    return true;
}

bool ipv6_parse(struct span text, struct ipv6 *ret)
{
    uint16_t groups[8] = {0}, all[8] = {0};
    int count, gap;
    if (text.len < 2 || text.len > 45 || !ipv6_groups(text, groups, &count, &gap))
        return false;
    if (gap < 0 ? count != 8 : count > 7)
        return false;
    int before = gap < 0 ? 8 : gap;
    for (int i = 0; i < count; i++)
        all[i < before ? i : i + 8 - count] = groups[i];
    struct ipv6 address = {0, 0};
    for (int i = 0; i < 4; i++) {
        address.high = address.high << 16 | all[i];
        address.low = address.low << 16 | all[4 + i];
    }
    *ret = address;
    return true;
}

struct ipv6 ipv6_masked(struct ipv6 address, unsigned bits)
{
    if (bits <= 64) {
        address.high &= bits ? UINT64_MAX << (64 - bits) : 0;
        address.low = 0;
    } else {
        address.low &= UINT64_MAX << (128 - bits);
    }
    return address;
}

/* Split at '/': the part before it and the number of bits behind it, or `whole` bits. */
static bool split_prefix(struct span text, unsigned whole, struct span *ret_address, unsigned *ret_bits)
{
    size_t slash = span_find(text, '/');
    uint64_t bits = whole;
    if (slash < text.len && !span_u64(span_sub(text, slash + 1, text.len), whole, &bits))
        return false;
    *ret_address = span_sub(text, 0, slash);
    *ret_bits = (unsigned)bits;
    return true;
}

bool ipv4_network_parse(struct span text, uint32_t *ret, unsigned *ret_bits)
{
    struct span part;
    uint32_t address;
    unsigned bits;
    if (!split_prefix(text, 32, &part, &bits) || !ipv4_parse(part, &address))
        return false;
    *ret = address & ipv4_mask(bits);
    *ret_bits = bits;
    return true;
}

bool ipv6_network_parse(struct span text, struct ipv6 *ret, unsigned *ret_bits)
{
    struct span part;
    struct ipv6 address;
    unsigned bits;
    if (!split_prefix(text, 128, &part, &bits) || !ipv6_parse(part, &address))
        return false;
    *ret = ipv6_masked(address, bits);
    *ret_bits = bits;
    return true;
}

bool ipv4_prefix_parse(struct span text, uint32_t *ret, unsigned *ret_bits)
{
    return ipv4_network_parse(text, ret, ret_bits) && *ret_bits > 0;
}

bool ipv6_prefix_parse(struct span text, struct ipv6 *ret, unsigned *ret_bits)
{
    return ipv6_network_parse(text, ret, ret_bits) && *ret_bits > 0;
}

/* ":443", and nothing behind it. */
static bool colon_port(struct span text, unsigned *ret)
{
    uint64_t port;
    if (text.len == 0 || text.data[0] != ':' || !span_u64(span_sub(text, 1, text.len), 65535, &port) || port == 0)
        return false;
    *ret = (unsigned)port;
    return true;
}

bool ipv4_port_parse(struct span text, uint32_t *ret, unsigned *ret_port)
{
    uint32_t address;
    size_t len = ipv4_begin(text, &address);
    if (len == 0 || !colon_port(span_sub(text, len, text.len), ret_port))
        return false;
    *ret = address;
    return true;
}

bool ipv6_port_parse(struct span text, struct ipv6 *ret, unsigned *ret_port)
{
    size_t end = span_find(text, ']');
    return text.len > 0 && text.data[0] == '[' && end < text.len && ipv6_parse(span_sub(text, 1, end - 1), ret) &&
           colon_port(span_sub(text, end + 1, text.len), ret_port);
}

size_t ipv4_format(uint32_t address, unsigned bits, char out[ADDRESS_TEXT_MAX])
{
    int len = snprintf(out, ADDRESS_TEXT_MAX, "%u.%u.%u.%u", address >> 24, address >> 16 & 255, address >> 8 & 255,
                       address & 255);
    if (bits < 32)
        len += snprintf(out + len, ADDRESS_TEXT_MAX - (size_t)len, "/%u", bits);
    return (size_t)len;
}

/* RFC 5952 section 4.2: the first longest run of two or more zero groups; length 0 if there is none. */
static int longest_zeros(const unsigned groups[8], int *ret_length)
{
    int best = 0, length = 0;
    for (int i = 0; i < 8;) {
        int j = i;
        while (j < 8 && groups[j] == 0)
            j++;
        if (j - i > length) {
            best = i;
            length = j - i;
        }
        i = j + 1;
    }
    *ret_length = length >= 2 ? length : 0;
    return best;
}

size_t ipv6_format(struct ipv6 address, unsigned bits, char out[ADDRESS_TEXT_MAX])
{
    unsigned groups[8];
    for (int i = 0; i < 4; i++) {
        groups[i] = (unsigned)(address.high >> (48 - 16 * i)) & 0xffff;
        groups[4 + i] = (unsigned)(address.low >> (48 - 16 * i)) & 0xffff;
    }
    int length, gap = longest_zeros(groups, &length);
    size_t len = 0;
    for (int i = 0; i < 8; i++) {
        if (length && i == gap) {
            out[len++] = ':';
            if (i + length == 8)
                out[len++] = ':';
            i += length - 1;
            continue;
        }
        len += (size_t)snprintf(out + len, ADDRESS_TEXT_MAX - len, i ? ":%x" : "%x", groups[i]);
    }
    out[len] = 0;
    if (bits < 128)
        len += (size_t)snprintf(out + len, ADDRESS_TEXT_MAX - len, "/%u", bits);
    return len;
}
