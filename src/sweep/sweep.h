/*
 * The sweep: which indicators occur in a log. Cut each line into typed tokens in one vectorised pass, look each
 * token up in a compact memory-mapped set: exact, domain suffix, longest prefix. A core: bytes in, hits out; it
 * knows no files, threads, clocks or databases (the caller maps and reads).
 *
 * A match is of a whole token, never of a substring: `evil.com` matches `www.evil.com` and `evil.com`, not
 * `notevil.com` or `evil.com.example`. That is why grep -F reports 98 % false lines on real sets and we report none.
 *
 * Tokens
 *   name     a run of letters, digits, `-`, `.`, `_` with a dot inside, dots around it left out; the longest indicator
 *            that is the name or a name above it matches. Letter case does not matter. Names in other scripts match
 *            through IDNA; punctuation of other scripts ends a name, their letters do not.
 *   IPv4     a dotted quad that is a whole run, or is followed by a port (1.2.3.4:53, .53 tcpdump, #53 BIND, /53
 *            Cisco) or, behind `-`, by another (a range). ::ffff:1.2.3.4 and ::ffff:102:304 count as 1.2.3.4. The
 *            address with its port matches first, then the longest prefix.
 *   IPv6     any spelling of RFC 4291, also [v6], v6.53 and v6%zone; longest prefix.
 *   URL      a host with /, ? or a port behind it or // before it. An indicator matches if the URL is it or begins
 *            with it and the indicator ends in / or where /, ?, & or # follows; and, since logs do not say where a URL
 *            ends, before any of , ; | ) ] } ' * and before . : ! at its end. JSON's \/ counts as /, and a URL that is a
 *            value in another one (http%3A%2F%2F...) counts as what it stands for. The longest wins.
 *   path     what follows a host, or a token that begins with /; an indicator matches the whole path, with or without
 *            a query behind it.
 *   e-mail   an address; with = ' / & { and the like before it as in from=a@b; its @ may be %40.
 *   hash     a run of exactly 32, 40, 64 or 128 hex digits without letters or digits around it.
 * Bytes of an escape before a token (%2F, JSON's \n and \u003c) do not belong to it, nor does the - of an arrow (->)
 * behind it. evil[.]com counts as evil.com.
 *
 * Each token is reported once, with the most specific indicator: a URL before an e-mail address, an address with port,
 * the name or address itself, a path on any host. An indicator is reported once a line, at its first place; only in a line
 * with more than 16 different ones may it come again.
 */
#ifndef TONGZHOU_SWEEP_SWEEP_H
#define TONGZHOU_SWEEP_SWEEP_H

#include "base/buf.h"
#include "base/err.h"
#include "base/limits.h"

/* Types of indicators. The numbers are stored in sets and in the index: never reuse one. */
enum ioc_type {
    IOC_NONE = 0,
    IOC_IPV4 = 1,   /* 1.2.3.4, or CIDR 1.2.3.0/24 */
    IOC_IPV6 = 2,   /* RFC 5952, or CIDR */
    IOC_DOMAIN = 3, /* lower case, A-labels, no trailing dot; matches itself and everything under it */
    IOC_URL = 4,    /* host/path?query without scheme, user, fragment, port 80 or 443; host in lower case */
    IOC_MD5 = 5,    /* lower-case hex, as the next three */
    IOC_SHA1 = 6,
    IOC_SHA256 = 7,
    IOC_SHA512 = 8,
    IOC_EMAIL = 9,      /* lower case */
    IOC_IPV4_PORT = 10, /* 1.2.3.4:443 */
    IOC_URL_PATH = 11,  /* /gate.php?id=1 on any host, in the same form as a URL's path */
    IOC_TYPES = 12
};

/* "ipv4", "ipv6", "domain", "url", "md5", "sha1", "sha256", "sha512", "email", "ipv4-port", "url-path". */
const char *ioc_type_word(enum ioc_type type);
enum ioc_type ioc_type_parse(struct span word);

/*
 * Bring an indicator's value into the one form that sets, index and identifiers use.
 *   type      what it must be, or IOC_NONE: recognise it (address, CIDR, ip:port, hash, e-mail, URL, domain)
 *   text      as somebody wrote it, also defanged (hxxp, [.], (.), [:], [at]); surrounding white space is ignored
 *   out       cleared first; canonical text appended; at most SWEEP_TOKEN_MAX bytes
 *   ret_type  the type found
 * Domains go through IDNA (UTS 46, libidn2) when not ASCII; "*." before and a dot behind them go. Refused: single labels
 * ("localhost", "com"), names that end in a number, empty labels, labels above 63, names above 253 bytes, addresses
 * with leading zeros, networks wider than /8 (IPv4) or /19 (IPv6), ports outside 1 to 65535, paths of one character.
 * Suffixes under which the public registers names ("co.uk") are not known here: as an indicator such a name matches all
 * of them.
 * Host bits of a prefix are cleared (1.2.3.4/24 becomes 1.2.3.0/24), ::ffff:1.2.3.4 becomes the IPv4 address,
 * [2001:db8::7]:443 the IPv6 address without its port. 1.2.3.4/0 to /32 is a network, never a URL.
 * A URL's empty path is "/", its escapes are normalised (RFC 3986 section 6.2.2), an empty query goes.
 * Errors: ERR_SYNTAX "is no domain, address, ...": what, found.
 */
int ioc_canonical(enum ioc_type type, struct span text, struct buf *out, enum ioc_type *ret_type, struct err *err);

/* ---- the set ---- */

/*
 * Compiled set, position-independent bytes with a versioned header and a checksum over header and table
 * sizes; built once, then memory-mapped. Opening costs no pass over the data (measured goal ≤ 50 ms for 1.6 M).
 */
struct sweep_builder;

/* `expected` is a hint. NULL: no memory. */
struct sweep_builder *sweep_builder_new(size_t expected);
void sweep_builder_free(struct sweep_builder *builder);

/*
 * Add one indicator: canonical value (of ioc_canonical) and the caller's 64-bit tag (which record said it:
 * log number << 40 | index). The same value with several tags keeps them all, each once, in ascending order.
 * Errors: ERR_SYNTAX a value that cannot be of this type; ERR_LIMIT more than 2^31 - 1 or 4 GiB of texts.
 */
int sweep_builder_add(struct sweep_builder *builder, enum ioc_type type, struct span value, uint64_t tag,
                      struct err *err);

/* Lay the set out into `write` calls (sequential). The builder stays usable only for freeing. */
int sweep_builder_write(struct sweep_builder *builder, int (*write)(void *ctx, struct span bytes, struct err *err),
                        void *ctx, struct err *err);

struct sweep_set;

/* Check header and bounds, borrow `bytes` (8-byte aligned) until close. ERR_SYNTAX: not a set, or cut; every look-up
 * in a hostile or damaged set stays inside the bytes. */
int sweep_set_open(struct span bytes, struct sweep_set **ret, struct err *err);
void sweep_set_close(struct sweep_set *set);
uint64_t sweep_set_count(const struct sweep_set *set); /* distinct (type, value) */
uint64_t sweep_set_count_type(const struct sweep_set *set, enum ioc_type type);

/* One indicator of the set. */
struct sweep_ioc {
    enum ioc_type type;
    struct span value; /* canonical text, borrowed from the set */
    const uint64_t *tags;
    size_t tag_count;
};

/* Exact look-up of a canonical value; false if absent. */
bool sweep_set_find(const struct sweep_set *set, enum ioc_type type, struct span value, struct sweep_ioc *ret);

/*
 * The values of one type that begin with `prefix`, in ascending order of bytes: for search as one types.
 * At most `max` into `ret`; returns how many.
 */
size_t sweep_set_prefix(const struct sweep_set *set, enum ioc_type type, struct span prefix, struct sweep_ioc *ret,
                        size_t max);

/* ---- sweeping ---- */

struct sweep_hit {
    const struct sweep_ioc *ioc;
    uint64_t line;    /* from 1, over the whole input */
    uint64_t offset;  /* of the first byte of `text` in the input */
    uint64_t before;  /* bytes of the line before `text`: 0 but for the later parts of a long one */
    struct span text; /* the line without its newline (LF or CR LF), borrowed for the call */
    size_t at, len;   /* where in `text` the token stands; of a URL, e-mail address or path, the part that matched */
};

struct sweep_stats {
    uint64_t bytes, lines, tokens, lookups, hits, lines_hit;
};

struct sweep;

/*
 * One pass over one input; `set` must outlive it. `hit` returns 0, or an error that ends the sweep. Hits come line by
 * line, within a line by the place of their first dot, colon or digit. NULL: no memory.
 * A line longer than SWEEP_LINE_MAX is swept in parts with the same number, cut between tokens where there is a blank, a
 * quote, or else a comma, semicolon or bar among the last SWEEP_TOKEN_MAX bytes of a part.
 */
struct sweep *sweep_new(const struct sweep_set *set,
                        int (*hit)(void *ctx, const struct sweep_hit *hit, struct err *err), void *ctx);
void sweep_free(struct sweep *sweep);

/* Feed input in pieces of any size, cut anywhere; lines are put together inside. */
int sweep_feed(struct sweep *sweep, struct span bytes, struct err *err);

/* The input ended: sweep the last line even without a newline. */
int sweep_end(struct sweep *sweep, struct err *err);

const struct sweep_stats *sweep_stats(const struct sweep *sweep);

#endif
