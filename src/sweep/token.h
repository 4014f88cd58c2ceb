/*
 * The second pass: from candidate bytes to tokens, from tokens to look-ups. Part of the sweep.
 * sweep.h says what counts as a token and which match is reported.
 */
#ifndef TONGZHOU_SWEEP_TOKEN_H
#define TONGZHOU_SWEEP_TOKEN_H

#include "sweep/layout.h"
#include "sweep/token_map.h"

struct token_scan {
    const struct sweep_set *set;
    struct token_map map;
    struct span in; /* the piece of log being scanned: whole lines */
    unsigned want;
    uint64_t tokens, lookups;
    size_t hash_end, ipv6_end, plain_end; /* where the last token of these kinds ended: seen once is enough */
    /* Entry `number` matches `len` bytes at `at`. Returns 0, or an error that ends the scan. */
    int (*found)(void *ctx, size_t at, size_t len, uint32_t number, struct err *err);
    void *ctx;
    struct err *err;
};

int token_scan_init(struct token_scan *scan, const struct sweep_set *set, size_t max, struct err *err);
void token_scan_done(struct token_scan *scan);

/* Scan 1..max bytes. */
int token_scan_lines(struct token_scan *scan, struct span in, struct err *err);

/* ---- between token.c, token_url.c and token_other.c ---- */

/* Ask for one key and, if it may be there, look it up. *ret_below may be NULL. */
uint32_t token_ask(struct token_scan *scan, uint64_t key, enum ioc_type type, struct span value, bool *ret_below);

/* Longest prefixes. */
uint32_t token_ask_ipv4(struct token_scan *scan, uint32_t address);
uint32_t token_ask_ipv6(struct token_scan *scan, struct ipv6 address);

/* Longest suffix of a canonical name. */
uint32_t token_ask_name(struct token_scan *scan, struct span name);

/* A match of some bytes; entry SET_NO_ENTRY for none. */
struct token_match {
    uint32_t entry;
    size_t at, end;
};

/*
 * The longest indicator that the URL with this canonical host begins with; its host stands at `at`, its port or path
 * begins at `pos`.
 */
struct token_match token_url(struct token_scan *scan, struct span host, size_t at, size_t pos);

/* The path that begins at `pos`, if it is an indicator on any host. */
struct token_match token_path(struct token_scan *scan, size_t pos);

/* Bytes of the @ that ends before `name`, or of a URL's escape for it; 0 if there is none. */
size_t token_at_sign(const struct token_scan *scan, size_t name);

/* The e-mail address whose name is [name, end) and has such an @ before it. */
struct token_match token_email(struct token_scan *scan, size_t name, size_t end);

/* Surely a byte of an e-mail address before the @: in lower case, and nothing that stands before addresses in logs. */
bool token_is_local(uint8_t c);

/* How many bytes of [start, end) belong to an escape that begins before `start`: %2F of a URL, \n or \u003c of JSON. */
size_t token_escape_len(const struct token_scan *scan, size_t start, size_t end);

/* What may stand around a candidate: each reports what it finds; 0 or an error's code. */
int token_scan_ipv6(struct token_scan *scan, size_t colon);
int token_scan_hash(struct token_scan *scan, size_t digit);
int token_scan_defanged(struct token_scan *scan, size_t dot);
int token_scan_foreign(struct token_scan *scan, size_t start, size_t end);

/* A part of a word, without bytes above 127, as a name or an address. */
int token_scan_part(struct token_scan *scan, size_t start, size_t end);

/* Report a match; 0 or an error's code. */
int token_report(struct token_scan *scan, struct token_match match);

#endif
