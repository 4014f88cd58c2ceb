/*
 * Packs: logs that travel on a stick. One .tar.zst:
 *
 *   pack.json                      {"created":"...","format":1,"logs":N}
 *   logs/HEX/origin                the origin, a newline
 *   logs/HEX/keys                  only in a member's luggage: its key file (keys.h)
 *   logs/HEX/checkpoint            signed note with its cosignatures
 *   logs/HEX/tile/entries/...      entry bundles from the first on, the last one partial
 *   logs/HEX/payload/FIRST         payload items for entries FIRST, FIRST + 1, ...; holes as on the wire
 *
 * in this order a log. Unpacking verifies everything as if it came from a peer: nothing in a pack is believed. A pack
 * that is longer than our copy of our own log heals it; one that contradicts a log here proves its fork.
 * Source: PROTOCOL.md, "Packs".
 */
#ifndef TONGZHOU_CONNECT_PACK_H
#define TONGZHOU_CONNECT_PACK_H

#include "index/view.h"
#include "state/mirror.h"

#define PACK_FORMAT 1
#define PACK_FILE_MAX                                                                                                  \
    (PAYLOAD_BUNDLE_MAX + (20u << 20)) /* bytes of one file in a pack: one payload above the soft end */

struct pack_result {
    uint64_t logs, entries, payloads, bytes; /* written, or taken in */
    uint64_t behind;                         /* logs of the pack that had no entry that is new here */
    uint64_t collected;                      /* cosignatures of others that came along */
    uint64_t refused;                        /* logs turned away; each was reported */
    uint64_t forks;                          /* proven */
    uint64_t erased;                         /* contents, at their authors' word: the index has to forget them */
};

struct pack_options {
    const int64_t *numbers; /* logs by number; NULL: all that the view sees */
    size_t number_count;
    uint64_t payloads_newest; /* only the payloads of the newest N entries a log; UINT64_MAX: all */
    int64_t now_ms;
    const char *keys_dir; /* NULL, or DIR: put key files in (a member's luggage; the file is made 0600) */
    void (*progress)(void *ctx, uint64_t done, uint64_t total); /* bytes, the total a guess; may be NULL */
    void *ctx;
};

/*
 * Write a pack to `path`: aside, mode 0600, durable before it is renamed. What it holds is what `view` may see.
 * Errors: ERR_REFUSED a log that the view may not see; ERR_IO.
 */
int pack_write(const struct view *view, const char *path, const struct pack_options *options, struct pack_result *ret,
               struct err *err);

struct unpack_options {
    int64_t now_s;
    bool luggage; /* take keys: the logs become our own (member move) */
    /* A log, or the rest of it, was turned away: its origin (or the hash of it) and why. May be NULL. */
    void (*report)(void *ctx, const char *origin, const char *reason);
    /*
     * With `luggage`: a log with its keys is here, and is our own now.
     *   same_key  its log key is the one that travelled: it is to be rotated
     */
    void (*arrived)(void *ctx, int64_t number, bool same_key);
    void (*progress)(void *ctx, uint64_t done, uint64_t total); /* bytes of the file; may be NULL */
    void *ctx;
};

/*
 * Take in a pack. A log that does not verify is turned away and reported; the others go in. Of what came with a log that
 * verified, a payload that does not fit its seal turns away the payloads behind it.
 * Errors: ERR_SYNTAX not a pack, cut short; ERR_STATE another format; ERR_LIMIT; ERR_IO. What was committed before stays.
 */
int pack_read(struct store *store, const char *path, const struct unpack_options *options, struct pack_result *ret,
              struct err *err);

#endif
