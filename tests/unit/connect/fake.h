/* A scripted server with a whole log, as its author would serve it or with a lie in it. */
#ifndef TONGZHOU_TESTS_CONNECT_FAKE_H
#define TONGZHOU_TESTS_CONNECT_FAKE_H

#include "raw.h"

#include "tlog/tile.h"

struct fake {
    struct buf note, bundle, payloads;
    uint64_t size; /* announced */
};

/* What `from` would serve of its own log. */
static inline void fake_start(struct fake *fake, struct node *from)
{
    size_t count, size = (size_t)from->own.size;
    buf_init(&fake->note, NOTE_MAX);
    buf_init(&fake->bundle, BUNDLE_MAX);
    buf_init(&fake->payloads, PAYLOAD_BUNDLE_MAX);
    fake->size = size;
    good(store_checkpoint(from->store, from->own.number, &fake->note, &err));
    good(store_read_entries(from->store, from->own.number, 0, size, &fake->bundle, &err));
    /* Entry 0 stands inline: nobody asks for a payload of it. */
    good(payload_read_bundle(from->store, from->own.number, 1, size - 1, true, &fake->payloads, &count, &err));
    assert_int_equal(count, size - 1);
}

static inline void fake_done(struct fake *fake)
{
    buf_done(&fake->note);
    buf_done(&fake->bundle);
    buf_done(&fake->payloads);
}

/* Checkpoint, entries and contents, to be asked for once it is announced. */
static inline void fake_log(struct fake *fake, struct raw *raw, const struct log_info *log)
{
    char path[200], name[TILE_PATH_MAX];
    struct tile tile = {TILE_LEVEL_ENTRIES, 0, (unsigned)fake->size};
    raw_checkpoint(raw, log, buf_view(&fake->note));
    tile_path(&tile, name);
    snprintf(path, sizeof(path), "/logs/%s/%s", log->hex, name);
    raw_body(raw, path, buf_view(&fake->bundle));
    snprintf(path, sizeof(path), "/logs/%s/payload/0", log->hex);
    raw_body(raw, path, buf_view(&fake->payloads));
    fake_done(fake);
}

/* The same, announced as the only one. */
static inline void fake_serve(struct fake *fake, struct raw *raw, const struct log_info *log)
{
    raw_heads(raw, log, fake->size);
    fake_log(fake, raw, log);
}

/* As `cosigner` would cosign this note. */
static inline void fake_cosign(struct buf *note, struct node *cosigner)
{
    struct keys keys;
    struct note_signer signer;
    struct note parsed;
    struct buf before;
    struct span origin = span_str(cosigner->own.origin);
    buf_init(&before, NOTE_MAX);
    buf_span(&before, buf_view(note));
    good(note_parse(buf_view(&before), &parsed, &err));
    good(keys_load(cosigner->dir, origin, &keys, &err));
    good(note_signer_make(&signer, origin, NOTE_COSIGNATURE, keys.cosigner_seed, &err));
    good(note_sign(parsed.text, &signer, 1795000000, note, &err));
    keys_wipe(&keys);
    buf_done(&before);
}

#endif
