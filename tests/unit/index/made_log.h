/* Logs made entry by entry outside of any node, to be mirrored in pieces of any size, payloads early, late or never. */
#ifndef TONGZHOU_TESTS_INDEX_MADE_LOG_H
#define TONGZHOU_TESTS_INDEX_MADE_LOG_H

#include "state/node.h"

struct made_entry {
    uint8_t *entry, *payload;
    size_t entry_len, payload_len; /* payload_len 0: none */
    uint8_t salt[SEAL_SALT];
    bool clear;
};

struct made_log {
    char origin[ORIGIN_MAX + 1];
    struct keys keys;
    struct made_entry *entries;
    size_t count, cap;
    uint64_t rotated; /* where the log key was changed, 0: nowhere */
    uint8_t first_seed[32];
};

static inline uint8_t *made_copy(struct span text)
{
    uint8_t *copy = malloc(text.len + 1);
    assert_non_null(copy);
    memcpy(copy, text.data, text.len);
    return copy;
}

static inline struct made_entry *made_slot(struct made_log *log)
{
    if (log->count == log->cap) {
        log->cap = log->cap ? 2 * log->cap : 64;
        log->entries = realloc(log->entries, log->cap * sizeof(*log->entries));
        assert_non_null(log->entries);
    }
    struct made_entry *entry = &log->entries[log->count++];
    memset(entry, 0, sizeof(*entry));
    return entry;
}

/* An entry that stands as it is. */
static inline uint64_t made_raw(struct made_log *log, struct span text)
{
    struct made_entry *entry = made_slot(log);
    entry->entry = made_copy(text);
    entry->entry_len = text.len;
    return log->count - 1;
}

/* A sealed payload: any bytes. */
static inline uint64_t made_sealed(struct made_log *log, struct span payload, bool clear)
{
    struct made_entry *entry = made_slot(log);
    uint8_t hash[32];
    for (size_t i = 0; i < SEAL_SALT; i++)
        entry->salt[i] = (uint8_t)(log->count * 31 + i);
    seal_hash(span_str(log->origin), entry->salt, payload, hash);
    entry->entry = malloc(SEAL_ENTRY_LEN);
    assert_non_null(entry->entry);
    entry->entry_len = SEAL_ENTRY_LEN;
    seal_write(hash, entry->entry);
    entry->payload = made_copy(payload);
    entry->payload_len = payload.len;
    entry->clear = clear;
    return log->count - 1;
}

static inline uint64_t made_record(struct made_log *log, const char *kind, enum tlp tlp, int64_t time_ms,
                                   const char *type, const char *body)
{
    struct buf text;
    buf_init(&text, PAYLOAD_MAX);
    struct record_draft draft = {.kind = kind, .time_ms = time_ms, .tlp = tlp, .body = span_str(body)};
    if (type)
        draft.type = span_str(type);
    good(record_write(&draft, &text, &err));
    uint64_t index = made_sealed(log, buf_view(&text), tlp == TLP_CLEAR);
    buf_done(&text);
    return index;
}

static inline uint64_t made_erase(struct made_log *log, uint64_t target)
{
    struct buf text;
    buf_init(&text, INLINE_MAX);
    good(erase_write(target, TIME_MS, &text, &err));
    uint64_t index = made_raw(log, buf_view(&text));
    buf_done(&text);
    return index;
}

/* The log key changes here, once in a log. */
static inline uint64_t made_rotate(struct made_log *log)
{
    struct rotation rotation = {.index = log->count, .new_seed = log->keys.next_seed, .old_seed = log->first_seed};
    struct buf text;
    buf_init(&text, INLINE_MAX);
    memcpy(log->first_seed, log->keys.log_seed, 32);
    memset(log->keys.next_seed, 77, 32);
    ed25519_keypair(log->first_seed, rotation.old_key);
    memset(rotation.next_recovery_hash, 7, sizeof(rotation.next_recovery_hash));
    good(rotate_write(span_str(log->origin), &rotation, TIME_MS, &text, &err));
    keys_promote_log(&log->keys);
    log->rotated = made_raw(log, buf_view(&text));
    buf_done(&text);
    return log->rotated;
}

/* The checkpoint of what is staged, signed by whoever has to at this size. */
static inline void made_note(const struct made_log *log, struct store *store, int64_t number, uint64_t upto,
                             struct buf *note)
{
    uint64_t size;
    struct tlog_hash root;
    struct note_signer first, last;
    const struct note_signer *signers[2] = {&first, &last};
    good(store_staged_root(store, number, &size, &root, &err));
    assert_int_equal(size, upto);
    good(note_signer_make(&first, span_str(log->origin), NOTE_ED25519, log->first_seed, &err));
    good(note_signer_make(&last, span_str(log->origin), NOTE_ED25519, log->keys.log_seed, &err));
    bool needs_first = log->rotated > 0 && size <= log->rotated + 1, needs_last = size > log->rotated;
    good(checkpoint_sign(span_str(log->origin), size, &root, needs_first ? signers : signers + 1,
                         (needs_first ? 1u : 0u) + (needs_last ? 1u : 0u), note, &err));
}

static inline void made_begin(struct made_log *log, const char *name)
{
    struct profile profile = {.class = CLASS_CIVIL};
    struct buf text;
    memset(log, 0, sizeof(*log));
    buf_init(&text, INLINE_MAX);
    keys_make(&log->keys);
    snprintf(profile.name, sizeof(profile.name), "%s", name);
    keys_publish(&log->keys, &profile);
    memset(profile.recovery_hash, 7, sizeof(profile.recovery_hash));
    good(profile_write(&profile, TIME_MS, &text, &err));
    good(origin_make(span_str(name), buf_view(&text), log->origin, &err));
    made_raw(log, buf_view(&text));
    buf_done(&text);
}

static inline void made_end(struct made_log *log)
{
    for (size_t i = 0; i < log->count; i++) {
        free(log->entries[i].entry);
        free(log->entries[i].payload);
    }
    free(log->entries);
}

/* Mirror entries up to `upto`, with their payloads or without, as the head. The log's number. */
static inline int64_t made_feed(const struct made_log *log, struct store *store, uint64_t upto, bool payloads)
{
    struct log_info info;
    struct err ignored;
    int64_t number;
    good(store_begin(store, &err));
    if (store_log_by_origin(store, span_str(log->origin), &info, &ignored) < 0) {
        struct log_new make = {
            .origin = span_str(log->origin), .role = LOG_MIRROR, .mode = MODE_FULL, .followed = true};
        good(store_log_create(store, &make, &number, &err));
        good(store_log(store, number, &info, &err));
    }
    number = info.number;
    size_t count = (size_t)(upto - info.staged);
    struct store_entry *add = calloc(count + 1, sizeof(*add));
    assert_non_null(add);
    for (size_t i = 0; i < count; i++) {
        const struct made_entry *entry = &log->entries[info.staged + i];
        add[i].entry = span_of(entry->entry, entry->entry_len);
        if (entry->payload_len > 0 && payloads) {
            add[i].salt = span_of(entry->salt, SEAL_SALT);
            add[i].payload = span_of(entry->payload, entry->payload_len);
            add[i].clear = entry->clear;
        }
    }
    good(store_add(store, number, add, count, &err));
    free(add);
    struct buf note;
    buf_init(&note, NOTE_MAX);
    made_note(log, store, number, upto, &note);
    good(store_set_head(store, number, buf_view(&note), &err));
    good(store_commit(store, &err));
    buf_done(&note);
    return number;
}

/* The payload of one entry arrives. */
static inline void made_payload(const struct made_log *log, struct store *store, int64_t number, uint64_t index)
{
    const struct made_entry *entry = &log->entries[index];
    good(store_begin(store, &err));
    good(payload_put(store, number, index, span_of(entry->salt, SEAL_SALT), span_of(entry->payload, entry->payload_len),
                     entry->clear, &err));
    good(store_commit(store, &err));
}

#endif
